#include "network/ir/builder.h"

#include "network/ir/canonical.h"

namespace qb::ir {

Value Builder::declare(ValueInfo info) {
  graph_.values.push_back(std::move(info));
  return {static_cast<int32_t>(graph_.values.size() - 1)};
}

Value Builder::apply(Op op, std::vector<Value> inputs, Attributes attributes) {
  if (error_) return {};
  const std::string name = fmt::format("{}_{}", name_of(op), graph_.nodes.size());
  std::vector<Shape> shapes;
  for (const Value input : inputs) shapes.push_back(graph_[input].shape);
  Result<Shape> shape = infer_shape(op, shapes, attributes);
  if (!shape) {
    error_ = with_context(std::move(shape).error(), fmt::format("{}: {}", graph_.name, name));
    return {};
  }
  const Value output = declare({.name = name, .shape = *std::move(shape)});
  graph_.nodes.push_back({op, std::move(inputs), output, std::move(attributes)});
  return output;
}

Value Builder::input(std::string_view name, ElementType type, Shape shape) {
  return declare({std::string(name), ValueKind::input, type, std::move(shape)});
}

Value Builder::parameter(std::string_view name, Shape shape) {
  for (const Value value : graph_.of_kind(ValueKind::parameter))
    if (graph_[value].name == name && graph_[value].shape == shape) return value;
  return declare({std::string(name), ValueKind::parameter, ElementType::f32, std::move(shape)});
}

Value Builder::state(std::string_view name, Shape shape) {
  return declare({std::string(name), ValueKind::state, ElementType::f32, std::move(shape)});
}

Value Builder::embedding(Value tokens, Value weight) {
  return apply(Op::embedding, {tokens, weight});
}

Value Builder::linear(Value x, Value weight, std::optional<Value> bias) {
  std::vector<Value> inputs = {x, weight};
  if (bias) inputs.push_back(*bias);
  return apply(Op::linear, std::move(inputs));
}

Value Builder::conv2d(Value x, Value weight, const Conv2dOptions& options,
                      std::optional<Value> bias) {
  std::vector<Value> inputs = {x, weight};
  if (bias) inputs.push_back(*bias);
  return apply(Op::conv2d, std::move(inputs),
               {{"stride", std::vector<int64_t>{options.stride, options.stride}},
                {"padding", options.padding},
                {"group_count", options.group_count}});
}

Value Builder::batch_norm(Value x, std::string_view prefix, double epsilon) {
  const Shape& input = shape(x);
  if (input.size() < 2) return apply(Op::batch_norm, {x, x, x, x, x}, {{"epsilon", epsilon}});
  const Shape channels = {input[1]};
  std::vector<Value> inputs = {x};
  for (const std::string_view suffix : {"weight", "bias", "running_mean", "running_var"})
    inputs.push_back(parameter(fmt::format("{}.{}", prefix, suffix), channels));
  return apply(Op::batch_norm, std::move(inputs), {{"epsilon", epsilon}});
}

Shape Builder::norm_shape(Value x, int64_t width) const {
  if (width > 0) return {width};
  return shape(x).empty() ? Shape{1} : Shape{shape(x).back()};
}

Value Builder::rms_norm(Value x, std::string_view weight_name, double epsilon, int64_t width) {
  const Value weight = parameter(weight_name, norm_shape(x, width));
  return apply(Op::rms_norm, {x, weight}, {{"epsilon", epsilon}});
}

Value Builder::layer_norm(Value x, std::string_view prefix, double epsilon, int64_t width) {
  const Shape wanted = norm_shape(x, width);
  const Value weight = parameter(fmt::format("{}.weight", prefix), wanted);
  const Value bias = parameter(fmt::format("{}.bias", prefix), wanted);
  return apply(Op::layer_norm, {x, weight, bias}, {{"epsilon", epsilon}});
}

Value Builder::cached_attention(Value q, Value k, Value v, Value key_cache, Value value_cache,
                                const CachedAttentionOptions& options) {
  return apply(Op::cached_attention, {q, k, v, key_cache, value_cache}, attributes_of(options));
}

Value Builder::attention(Value q, Value k, Value v, const AttentionOptions& options,
                         std::optional<Value> mask) {
  std::vector<Value> inputs = {q, k, v};
  if (mask) inputs.push_back(*mask);
  return apply(Op::attention, std::move(inputs), attributes_of(options));
}

Value Builder::add(Value a, Value b) { return apply(Op::add, {a, b}); }
Value Builder::multiply(Value a, Value b) { return apply(Op::multiply, {a, b}); }
Value Builder::silu(Value x) { return apply(Op::silu, {x}); }
Value Builder::sigmoid(Value x) { return apply(Op::sigmoid, {x}); }
Value Builder::relu6(Value x) { return apply(Op::relu6, {x}); }
Value Builder::select_positions(Value x, Value positions) {
  return apply(Op::select_positions, {x, positions});
}
Value Builder::global_average_pool(Value x) { return apply(Op::global_average_pool, {x}); }
Value Builder::flatten(Value x) { return apply(Op::flatten, {x}); }
Value Builder::scale(Value x, double factor) { return apply(Op::scale, {x}, {{"factor", factor}}); }
Value Builder::max_pool(Value x, const MaxPoolOptions& options) {
  return apply(Op::max_pool, {x},
               {{"kernel", std::vector<int64_t>{options.kernel, options.kernel}},
                {"stride", std::vector<int64_t>{options.stride, options.stride}},
                {"padding", options.padding}});
}

void Builder::output(Value value, std::string_view name) {
  graph_.outputs.push_back(value);
  if (name.empty() && graph_.output_names.empty()) return;
  graph_.output_names.resize(graph_.outputs.size());
  graph_.output_names.back() = name;
}

const Shape& Builder::shape(Value value) const {
  static const Shape unknown;
  return value.index < 0 ? unknown : graph_[value].shape;
}

Result<Graph> Builder::finish() {
  if (error_) return tl::unexpected(*error_);
  Graph graph = in_canonical_order(graph_);
  QB_CHECK(with_context(verify(graph), graph.name));
  return graph;
}

}  // namespace qb::ir
