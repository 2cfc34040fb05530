// A network on its way to a bundle: its graph and where its fp32 parameters come from. What is done
// to it before quantization gives another network; none is held in memory whole.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "compression/bundle/bundle.h"
#include "network/ir/graph.h"

namespace qb::compress {

struct Network {
  ir::Graph graph;
  bundle::ParameterSource source;
};

Result<std::vector<float>> read_parameter(const Network& network, ir::Value parameter);

// Batch norms folded into the convolutions before them (Jacob et al. 2018, eq. 14): the weight's
// rows are scaled and the convolution gets the bias "<weight>.folded_bias". A batch norm after
// anything else stays.
Network fold_batch_norms(const Network& network);

// Factors for the rows and columns of parameters; a vector parameter has rows only.
class Scaling {
 public:
  // `factors` is one for each row, or for each `column_repeat` neighbouring columns.
  void scale_rows(ir::Value parameter, std::span<const float> factors);
  void scale_columns(ir::Value parameter, std::span<const float> factors, int64_t column_repeat);
  void apply(ir::Value parameter, std::span<float> values) const;

 private:
  struct Columns {
    std::vector<float> factors;
    int64_t repeat = 1;
  };
  std::map<int32_t, std::vector<float>> rows_;
  std::map<int32_t, Columns> columns_;
};

Network scaled(const Network& network, Scaling scaling);

// The value called `name`; it exists.
ir::Value find_value(const ir::Graph& graph, std::string_view name);

}  // namespace qb::compress
