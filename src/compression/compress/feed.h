// Items of a data set as a network's inputs, told by the shapes of both.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "base/tensor.h"
#include "compression/bundle/tensor_file.h"
#include "network/ir/graph.h"

namespace qb::compress {

// An input [batch, …] takes an item of the file's tensor of its name, or else of the only one of
// its type and rank, [items, …]; one of [batch, sequence, …] the item's first positions, and one of
// [selected] all of these.
class Feed {
 public:
  // Errors: no tensor of the file fits an input, or several do; they hold different numbers of
  // items; an input is of another kind.
  static Result<Feed> make(const ir::Graph& graph, const bundle::TensorFile& file);

  int64_t item_count() const { return item_count_; }
  // Of an item, at most `position_limit`; 0: the network takes no sequences.
  int64_t position_count(int64_t position_limit) const;

  // What the items say of the network's other free dimensions, such as height and width.
  const ir::Extents& extents() const { return extents_; }

  // One item; its values lie in the file.
  struct Inputs {
    std::vector<std::vector<int64_t>> shapes;
    std::vector<int64_t> positions;
    std::vector<TensorView> tensors;  // in the order of the graph's inputs
  };
  Inputs inputs_of(int64_t item, int64_t position_limit) const;

 private:
  struct Source {
    TensorView all;  // [items, …]; of [selected] empty
    bool is_sequence = false;
    bool is_positions = false;
  };
  std::vector<Source> sources_;  // in the order of the graph's inputs
  int64_t item_count_ = 0;
  int64_t item_positions_ = 0;
  ir::Extents extents_;
};

}  // namespace qb::compress
