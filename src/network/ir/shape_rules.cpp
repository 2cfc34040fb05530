#include "network/ir/shape_rules.h"

#include <utility>

namespace qb::ir {
namespace {

// Along one axis of a picture. A free extent stays what it is when the kernel moves by one and the
// padding makes up for its size; else the result would be an expression, which shapes don't have.
Result<Dim> convolved(const Dim& dim, int64_t kernel, int64_t stride, int64_t padding) {
  if (stride < 1) return fail(Errc::invalid_graph, "stride {}", stride);
  if (!dim.is_fixed()) {
    if (stride == 1 && padding == kernel - 1) return dim;
    return fail(Errc::invalid_graph,
                "stride {} and padding {} of a kernel of {} change the free {}: fix it, or keep it "
                "with stride 1 and padding {}",
                stride, padding, kernel, to_string(dim), kernel - 1);
  }
  const int64_t padded = dim.extent + padding;
  if (padded < kernel)
    return fail(Errc::invalid_graph, "kernel {} does not fit into {}", kernel, padded);
  return Dim((padded - kernel) / stride + 1);
}

// q, k and v, [batch, tokens, heads * head_dim] each.
Result<void> check_heads(std::span<const Shape> inputs, const Attributes& attributes) {
  const int64_t head_dim = attributes.integer("head_dim");
  const int64_t heads[] = {attributes.integer("head_count"), attributes.integer("kv_head_count"),
                           attributes.integer("kv_head_count")};
  if (head_dim < 1 || heads[0] < 1 || heads[1] < 1 || heads[0] % heads[1] != 0)
    return fail(Errc::invalid_graph, "{} heads can't share {} key-value heads", heads[0], heads[1]);
  for (size_t i = 0; i < 3; ++i)
    if (inputs[i].size() != 3 || inputs[i][2] != Dim(heads[i] * head_dim))
      return fail(Errc::invalid_graph, "input {} is {}, wants {} heads of {}", i,
                  to_string(inputs[i]), heads[i], head_dim);
  return {};
}

Result<void> check_rotary(const Attributes& attributes) {
  const int64_t head_dim = attributes.integer("head_dim");
  const int64_t given = attributes.integer("rotary_dims");
  const int64_t turned = given == 0 ? head_dim : given;
  const size_t factor_count = attributes.reals("rope_factors").size();
  if (attributes.real("rope_theta") <= 0.0) return {};
  if (turned < 2 || turned > head_dim || turned % 2 != 0)
    return fail(Errc::invalid_graph, "{} of a head's {} values can't turn", turned, head_dim);
  if (factor_count != 0 && factor_count != static_cast<size_t>(turned / 2))
    return fail(Errc::invalid_graph, "{} rope factors for {} values that turn", factor_count,
                turned);
  return {};
}

}  // namespace

Result<Shape> infer_same_as_input(std::span<const Shape> inputs, const Attributes&) {
  return inputs[0];
}

Result<Shape> infer_reorder(std::span<const Shape> inputs, const Attributes& attributes) {
  const auto order = attributes.integers("order");
  std::vector<bool> taken(order.size());
  for (const int64_t from : order) {
    if (from < 0 || from >= std::ssize(order) || taken[static_cast<size_t>(from)])
      return fail(Errc::invalid_graph, "the order is no permutation");
    taken[static_cast<size_t>(from)] = true;
  }
  if (inputs[0].empty() || inputs[0].back() != Dim(std::ssize(order)))
    return fail(Errc::invalid_graph, "the order is of {} values", order.size());
  return inputs[0];
}

Result<Shape> infer_embedding(std::span<const Shape> inputs, const Attributes&) {
  const Shape& weight = inputs[1];  // [vocabulary, width]
  if (weight.size() != 2) return fail(Errc::invalid_graph, "weight must be [vocabulary, width]");
  Shape shape = inputs[0];
  shape.push_back(weight[1]);
  return shape;
}

Result<Shape> infer_linear(std::span<const Shape> inputs, const Attributes&) {
  const Shape& weight = inputs[1];  // [out, in]
  if (weight.size() != 2 || inputs[0].empty())
    return fail(Errc::invalid_graph, "weight must be [out, in], got {}", to_string(weight));
  Shape shape = inputs[0];
  if (shape.back() != weight[1])
    return fail(Errc::invalid_graph, "input has {} features, weight takes {}",
                to_string(shape.back()), to_string(weight[1]));
  if (inputs.size() > 2 && inputs[2] != Shape{weight[0]})
    return fail(Errc::invalid_graph, "bias is {}, weight gives {} features", to_string(inputs[2]),
                to_string(weight[0]));
  shape.back() = weight[0];
  return shape;
}

Result<Shape> infer_conv2d(std::span<const Shape> inputs, const Attributes& attributes) {
  const Shape& x = inputs[0];       // [batch, in, height, width]
  const Shape& weight = inputs[1];  // [out, in / group_count, kernel height, kernel width]
  const auto stride = attributes.integers("stride");
  const auto padding = attributes.integers("padding");
  const int64_t group_count = attributes.integer("group_count");
  if (x.size() != 4 || weight.size() != 4 || stride.size() != 2 || padding.size() != 4)
    return fail(Errc::invalid_graph, "takes NCHW input, 4-d weight, 2 strides and 4 paddings");
  if (!x[1].is_fixed())
    return fail(Errc::invalid_graph, "takes a fixed number of channels, not {}", to_string(x));
  if (group_count < 1 || weight[1].extent * group_count != x[1].extent ||
      weight[0].extent % group_count != 0)
    return fail(Errc::invalid_graph, "{} input channels in {} groups, weight is {}", x[1].extent,
                group_count, to_string(weight));
  if (inputs.size() > 2 && inputs[2] != Shape{weight[0]})
    return fail(Errc::invalid_graph, "bias is {}, weight gives {} channels", to_string(inputs[2]),
                to_string(weight[0]));
  Shape shape = {x[0], weight[0], {}, {}};
  for (size_t axis = 0; axis < 2; ++axis) {
    QB_TRY(shape[2 + axis], convolved(x[2 + axis], weight[2 + axis].extent, stride[axis],
                                      padding[axis] + padding[2 + axis]));
  }
  return shape;
}

Result<Shape> infer_batch_norm(std::span<const Shape> inputs, const Attributes&) {
  if (inputs[0].size() < 2) return fail(Errc::invalid_graph, "input must have a channel dimension");
  for (size_t i = 1; i < inputs.size(); ++i)
    if (inputs[i] != Shape{inputs[0][1]})
      return fail(Errc::invalid_graph, "parameter {} is {}, input has {} channels", i,
                  to_string(inputs[i]), to_string(inputs[0][1]));
  return inputs[0];
}

Result<Shape> infer_norm(std::span<const Shape> inputs, const Attributes&) {
  const Shape& weight = inputs[1];
  if (inputs[0].empty() || !inputs[0].back().is_fixed() || weight.size() != 1 ||
      inputs[0].back().extent % weight[0].extent != 0)
    return fail(Errc::invalid_graph, "weight {} does not match input {}", to_string(weight),
                to_string(inputs[0]));
  if (inputs.size() > 2 && inputs[2] != weight)
    return fail(Errc::invalid_graph, "bias is {}, weight {}", to_string(inputs[2]),
                to_string(weight));
  return inputs[0];
}

Result<Shape> infer_cached_attention(std::span<const Shape> inputs, const Attributes& attributes) {
  QB_CHECK(check_heads(inputs, attributes));
  QB_CHECK(check_rotary(attributes));
  if (attributes.integer("window_tokens") < 0)
    return fail(Errc::invalid_graph, "a window of {} tokens", attributes.integer("window_tokens"));
  const Shape cache = {inputs[0][0], attributes.integer("kv_head_count"), Symbol::context,
                       attributes.integer("head_dim")};
  for (size_t i = 3; i < 5; ++i)
    if (inputs[i] != cache)
      return fail(Errc::invalid_graph, "cache is {}, wants {}", to_string(inputs[i]),
                  to_string(cache));
  return inputs[0];
}

Result<Shape> infer_attention(std::span<const Shape> inputs, const Attributes& attributes) {
  QB_CHECK(check_heads(inputs, attributes));
  if (inputs[1][0] != inputs[0][0] || inputs[2][0] != inputs[0][0] || inputs[1][1] != inputs[2][1])
    return fail(Errc::invalid_graph, "{} can't attend to {} and {}", to_string(inputs[0]),
                to_string(inputs[1]), to_string(inputs[2]));
  const int64_t causal = attributes.integer("causal");
  if (causal < 0 || causal > 1) return fail(Errc::invalid_graph, "causal is 0 or 1");
  if (causal == 1 && inputs[0][1] != inputs[1][1])
    return fail(Errc::invalid_graph, "causal attention is among the same tokens, not {} and {}",
                to_string(inputs[0][1]), to_string(inputs[1][1]));
  if (inputs.size() > 3 && inputs[3] != Shape{inputs[1][0], inputs[1][1]})
    return fail(Errc::invalid_graph, "mask {} doesn't fit keys {}", to_string(inputs[3]),
                to_string(inputs[1]));
  if (inputs.size() > 3 && causal == 1)
    return fail(Errc::invalid_graph, "causal attention takes no mask");
  return inputs[0];
}

Result<Shape> infer_broadcast(std::span<const Shape> inputs, const Attributes&) {
  Shape wide = inputs[0];
  Shape narrow = inputs[1];
  if (wide.size() < narrow.size()) std::swap(wide, narrow);
  for (size_t i = 0; i < narrow.size(); ++i) {
    Dim& a = wide[wide.size() - 1 - i];
    const Dim& b = narrow[narrow.size() - 1 - i];
    if (a == b || b == Dim(1)) continue;
    if (a != Dim(1))
      return fail(Errc::invalid_graph, "{} and {} can't be broadcast together",
                  to_string(inputs[0]), to_string(inputs[1]));
    a = b;
  }
  return wide;
}

Result<Shape> infer_select_positions(std::span<const Shape> inputs, const Attributes&) {
  if (inputs[0].size() != 3 || inputs[1].size() != 1)
    return fail(Errc::invalid_graph, "takes [batch, sequence, width] and [selected]");
  return Shape{inputs[0][0], inputs[1][0], inputs[0][2]};
}

Result<Shape> infer_global_average_pool(std::span<const Shape> inputs, const Attributes&) {
  if (inputs[0].size() != 4) return fail(Errc::invalid_graph, "takes NCHW");
  return Shape{inputs[0][0], inputs[0][1], 1, 1};
}

Result<Shape> infer_max_pool(std::span<const Shape> inputs, const Attributes& attributes) {
  const Shape& x = inputs[0];
  const auto kernel = attributes.integers("kernel");
  const auto stride = attributes.integers("stride");
  const auto padding = attributes.integers("padding");
  if (x.size() != 4 || kernel.size() != 2 || stride.size() != 2 || padding.size() != 4)
    return fail(Errc::invalid_graph, "takes NCHW input, a kernel of 2, 2 strides and 4 paddings");
  Shape shape = x;
  for (size_t axis = 0; axis < 2; ++axis) {
    if (padding[axis] >= kernel[axis] || padding[2 + axis] >= kernel[axis])
      return fail(Errc::invalid_graph, "a kernel of {} would see padding only", kernel[axis]);
    QB_TRY(shape[2 + axis],
           convolved(x[2 + axis], kernel[axis], stride[axis], padding[axis] + padding[2 + axis]));
  }
  return shape;
}

Result<Shape> infer_to_tokens(std::span<const Shape> inputs, const Attributes&) {
  const Shape& x = inputs[0];
  if (x.size() != 4 || !x[2].is_fixed() || !x[3].is_fixed())
    return fail(Errc::invalid_graph, "takes NCHW of a fixed size, not {}", to_string(x));
  return Shape{x[0], x[2].extent * x[3].extent, x[1]};
}

Result<Shape> infer_prepend_token(std::span<const Shape> inputs, const Attributes&) {
  const Shape& x = inputs[0];
  if (x.size() != 3 || !x[1].is_fixed() || inputs[1] != Shape{x[2]})
    return fail(Errc::invalid_graph, "a token {} can't come before {}", to_string(inputs[1]),
                to_string(x));
  return Shape{x[0], x[1].extent + 1, x[2]};
}

Result<Shape> infer_add_positions(std::span<const Shape> inputs, const Attributes&) {
  const Shape& x = inputs[0];
  const Shape& table = inputs[1];
  if (x.size() != 3 || table.size() != 2 || table[1] != x[2] ||
      (x[1].is_fixed() && x[1].extent > table[0].extent))
    return fail(Errc::invalid_graph, "positions {} don't fit {}", to_string(table), to_string(x));
  return x;
}

Result<Shape> infer_mean_tokens(std::span<const Shape> inputs, const Attributes&) {
  const Shape& x = inputs[0];
  if (x.size() != 3) return fail(Errc::invalid_graph, "takes [batch, tokens, width]");
  if (inputs.size() > 1 && inputs[1] != Shape{x[0], x[1]})
    return fail(Errc::invalid_graph, "mask {} doesn't fit {}", to_string(inputs[1]), to_string(x));
  return Shape{x[0], x[2]};
}

Result<Shape> infer_pick_tokens(std::span<const Shape> inputs, const Attributes&) {
  const Shape& x = inputs[0];
  if (x.size() != 3) return fail(Errc::invalid_graph, "takes [batch, tokens, width]");
  if (inputs.size() > 1 && inputs[1] != Shape{x[0]})
    return fail(Errc::invalid_graph, "takes a position of each, not {}", to_string(inputs[1]));
  return Shape{x[0], x[2]};
}

Result<Shape> infer_flatten(std::span<const Shape> inputs, const Attributes&) {
  int64_t features = 1;
  for (size_t i = 1; i < inputs[0].size(); ++i) {
    if (!inputs[0][i].is_fixed())
      return fail(Errc::invalid_graph, "can't flatten {}", to_string(inputs[0]));
    features *= inputs[0][i].extent;
  }
  return Shape{inputs[0][0], features};
}

}  // namespace qb::ir
