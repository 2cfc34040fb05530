// Builds a graph line by line. The first error is kept and given by finish(), so that a model reads
// like its paper, with no checks between lines. The graph is in canonical order (canonical.h): it
// doesn't matter in which order calls are made, so calls may stand in each other's arguments. Only
// inputs keep the order of their declaration, so each is a statement of its own
// (tests/layering.py).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "network/ir/attention.h"
#include "network/ir/graph.h"

namespace qb::ir {

struct Conv2dOptions {
  int64_t stride = 1;
  std::vector<int64_t> padding = {0, 0, 0, 0};  // top, left, bottom, right
  int64_t group_count = 1;
};

struct MaxPoolOptions {
  int64_t kernel = 2;
  int64_t stride = 2;
  std::vector<int64_t> padding = {0, 0, 0, 0};  // top, left, bottom, right
};

class Builder {
 public:
  explicit Builder(std::string graph_name) { graph_.name = std::move(graph_name); }

  Value input(std::string_view name, ElementType type, Shape shape);
  // Asking for the same parameter twice with the same shape gives the same value (tied weights).
  Value parameter(std::string_view name, Shape shape);
  Value state(std::string_view name, Shape shape);

  // Any operator, by its row; what follows are short forms of it. Attributes are those of the row.
  Value apply(Op op, std::vector<Value> inputs, Attributes attributes = {});

  Value embedding(Value tokens, Value weight);
  Value linear(Value x, Value weight, std::optional<Value> bias = {});
  Value conv2d(Value x, Value weight, const Conv2dOptions& options, std::optional<Value> bias = {});
  // Parameters `prefix`.weight, .bias, .running_mean, .running_var.
  Value batch_norm(Value x, std::string_view prefix, double epsilon);
  // `width` values at a time; 0: all.
  Value rms_norm(Value x, std::string_view weight_name, double epsilon, int64_t width = 0);
  // Parameters `prefix`.weight and .bias.
  Value layer_norm(Value x, std::string_view prefix, double epsilon, int64_t width = 0);
  Value cached_attention(Value q, Value k, Value v, Value key_cache, Value value_cache,
                         const CachedAttentionOptions& options);
  // Of q's tokens to those of k and v, which may be others.
  // `mask` hides keys, as padding is hidden.
  Value attention(Value q, Value k, Value v, const AttentionOptions& options,
                  std::optional<Value> mask = {});
  Value add(Value a, Value b);
  Value multiply(Value a, Value b);
  Value silu(Value x);
  Value sigmoid(Value x);
  Value relu6(Value x);
  Value select_positions(Value x, Value positions);
  Value global_average_pool(Value x);
  Value flatten(Value x);
  Value scale(Value x, double factor);
  Value max_pool(Value x, const MaxPoolOptions& options);

  // Readers find it by its name, or, without one, by its place.
  void output(Value value, std::string_view name = "");
  const Shape& shape(Value value) const;
  // Values of the builder are not those of the graph, which is ordered anew.
  Result<Graph> finish();

 private:
  Value declare(ValueInfo info);
  Shape norm_shape(Value x, int64_t width) const;

  Graph graph_;
  std::optional<Error> error_;
};

}  // namespace qb::ir
