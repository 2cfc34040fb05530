#include "network/ir/operators.h"

#include <algorithm>

namespace qb::ir {
namespace {

Result<Shape> same_as_input(std::span<const Shape> inputs, const Attributes&) { return inputs[0]; }

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

Result<Shape> infer_rms_norm(std::span<const Shape> inputs, const Attributes&) {
  if (inputs[0].empty() || inputs[1] != Shape{inputs[0].back()})
    return fail(Errc::invalid_graph, "weight {} does not match input {}", to_string(inputs[1]),
                to_string(inputs[0]));
  return inputs[0];
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

Result<Shape> infer_cached_attention(std::span<const Shape> inputs, const Attributes& attributes) {
  QB_CHECK(check_heads(inputs, attributes));
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

Result<Shape> infer_flatten(std::span<const Shape> inputs, const Attributes&) {
  int64_t features = 1;
  for (size_t i = 1; i < inputs[0].size(); ++i) {
    if (!inputs[0][i].is_fixed())
      return fail(Errc::invalid_graph, "can't flatten {}", to_string(inputs[0]));
    features *= inputs[0][i].extent;
  }
  return Shape{inputs[0][0], features};
}

constexpr AttributeRow epsilon[] = {{"epsilon", AttributeKind::real}};
constexpr AttributeRow conv2d_attributes[] = {
    {"stride", AttributeKind::integers},       // down, right
    {"padding", AttributeKind::integers},      // top, left, bottom, right
    {"group_count", AttributeKind::integer}};  // input channels: depthwise
constexpr AttributeRow attention_attributes[] = {
    {"head_count", AttributeKind::integer},
    {"kv_head_count", AttributeKind::integer},
    {"head_dim", AttributeKind::integer},
    {"causal", AttributeKind::integer}};  // 1: token i sees tokens 0 to i; 0: all see all
constexpr AttributeRow cached_attention_attributes[] = {
    {"head_count", AttributeKind::integer},
    {"kv_head_count", AttributeKind::integer},
    {"head_dim", AttributeKind::integer},
    // Rotary embedding (Su et al. 2021) of q and k by absolute position, halves rotated (not
    // interleaved pairs): part of this operator since only the cache knows the position.
    {"rope_theta", AttributeKind::real}};

constexpr OperatorRow rows[] = {
    {.op = Op::embedding,
     .name = "embedding",
     .input_count = 2,
     .quantizable_input = 1,
     .infer_shape = infer_embedding},
    {.op = Op::linear,
     .name = "linear",
     .input_count = 2,
     .optional_input_count = 1,
     .quantizable_input = 1,
     .infer_shape = infer_linear},
    {.op = Op::conv2d,
     .name = "conv2d",
     .input_count = 2,
     .optional_input_count = 1,
     .quantizable_input = 1,
     .attributes = conv2d_attributes,
     .infer_shape = infer_conv2d},
    {.op = Op::batch_norm,
     .name = "batch_norm",
     .input_count = 5,
     .attributes = epsilon,
     .infer_shape = infer_batch_norm},
    {.op = Op::rms_norm,
     .name = "rms_norm",
     .input_count = 2,
     .attributes = epsilon,
     .infer_shape = infer_rms_norm},
    {.op = Op::cached_attention,
     .name = "cached_attention",
     .input_count = 5,
     .state_count = 2,
     .attributes = cached_attention_attributes,
     .infer_shape = infer_cached_attention},
    {.op = Op::add, .name = "add", .input_count = 2, .infer_shape = infer_broadcast},
    {.op = Op::multiply, .name = "multiply", .input_count = 2, .infer_shape = infer_broadcast},
    {.op = Op::silu, .name = "silu", .infer_shape = same_as_input},
    {.op = Op::sigmoid, .name = "sigmoid", .infer_shape = same_as_input},
    {.op = Op::relu6, .name = "relu6", .infer_shape = same_as_input},
    {.op = Op::select_positions,
     .name = "select_positions",
     .input_count = 2,
     .infer_shape = infer_select_positions},
    {.op = Op::global_average_pool,
     .name = "global_average_pool",
     .infer_shape = infer_global_average_pool},
    {.op = Op::flatten, .name = "flatten", .infer_shape = infer_flatten},
    {.op = Op::attention,
     .name = "attention",
     .input_count = 3,
     .attributes = attention_attributes,
     .infer_shape = infer_attention},
};

static_assert(
    [] {
      for (size_t i = 0; i < std::size(rows); ++i)
        if (static_cast<size_t>(rows[i].op) != i) return false;
      return std::size(rows) == static_cast<size_t>(Op::attention) + 1;
    }(),
    "the rows stand in the order of Op, one for each");

}  // namespace

std::span<const OperatorRow> operators() { return rows; }
const OperatorRow& row_of(Op op) { return rows[static_cast<size_t>(op)]; }
std::string_view name_of(Op op) { return row_of(op).name; }

Result<Op> parse_op(std::string_view name) {
  for (const OperatorRow& row : rows)
    if (row.name == name) return row.op;
  return fail(Errc::invalid_graph, "unknown operator \"{}\"", name);
}

const Attribute* Attributes::find(std::string_view name) const {
  const auto found = std::ranges::find(
      items_, name, [](const auto& item) { return std::string_view(item.first); });
  return found == items_.end() ? nullptr : &found->second;
}

void Attributes::set(std::string name, Attribute value) {
  items_.emplace_back(std::move(name), std::move(value));
}

int64_t Attributes::integer(std::string_view name) const {
  const Attribute* attribute = find(name);
  const int64_t* value = attribute ? std::get_if<int64_t>(attribute) : nullptr;
  return value ? *value : 0;
}

double Attributes::real(std::string_view name) const {
  const Attribute* attribute = find(name);
  const double* value = attribute ? std::get_if<double>(attribute) : nullptr;
  return value ? *value : 0.0;
}

std::span<const int64_t> Attributes::integers(std::string_view name) const {
  const Attribute* attribute = find(name);
  const auto* value = attribute ? std::get_if<std::vector<int64_t>>(attribute) : nullptr;
  return value ? std::span<const int64_t>(*value) : std::span<const int64_t>();
}

}  // namespace qb::ir
