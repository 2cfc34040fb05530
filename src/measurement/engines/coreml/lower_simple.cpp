// Operators that are one or two of Core ML's.
#include "measurement/engines/coreml/lowering.h"

namespace qb::coreml {
namespace {

Result<void> lower_broadcast(Lowering& l, const ir::Node& node, std::string_view op) {
  QB_TRY(const Value a, l.operand(node.inputs[0]));
  QB_TRY(const Value b, l.operand(node.inputs[1]));
  l.set(node.output, l.binary(op, a, b));
  return {};
}
Result<void> lower_add(Lowering& l, const ir::Node& n) { return lower_broadcast(l, n, "add"); }
Result<void> lower_multiply(Lowering& l, const ir::Node& n) { return lower_broadcast(l, n, "mul"); }

// Of one input, by a function of it.
template <typename Make>
Result<void> lower_by(Lowering& l, const ir::Node& node, const Make& make) {
  QB_TRY(const Value x, l.operand(node.inputs[0]));
  l.set(node.output, make(x));
  return {};
}
template <typename Row>
Result<void> lower_unary(Lowering& l, const ir::Node& node, const Row& op) {
  return lower_by(l, node, [&](const Value& x) { return l.unary(op, x); });
}
Result<void> lower_silu(Lowering& l, const ir::Node& n) { return lower_unary(l, n, "silu"); }
Result<void> lower_sigmoid(Lowering& l, const ir::Node& n) { return lower_unary(l, n, "sigmoid"); }
Result<void> lower_relu(Lowering& l, const ir::Node& n) { return lower_unary(l, n, "relu"); }
Result<void> lower_relu6(Lowering& l, const ir::Node& n) { return lower_unary(l, n, "relu6"); }
Result<void> lower_tanh(Lowering& l, const ir::Node& n) { return lower_unary(l, n, "tanh"); }

Result<void> lower_gelu_as(Lowering& l, const ir::Node& node, std::string_view mode) {
  return lower_by(l, node, [&](const Value& x) {
    return l.apply("gelu", {{"x", x}, {"mode", text(mode)}}, x.shape);
  });
}
Result<void> lower_gelu(Lowering& l, const ir::Node& n) { return lower_gelu_as(l, n, "EXACT"); }
Result<void> lower_gelu_tanh(Lowering& l, const ir::Node& n) {
  return lower_gelu_as(l, n, "TANH_APPROXIMATION");
}

Value hard_sigmoid(Lowering& l, const Value& x) {
  return l.apply("sigmoid_hard",
                 {{"x", x}, {"alpha", l.number(1.0 / 6.0)}, {"beta", l.number(0.5)}}, x.shape);
}
Result<void> lower_hard_sigmoid(Lowering& l, const ir::Node& node) {
  return lower_by(l, node, [&](const Value& x) { return hard_sigmoid(l, x); });
}
Result<void> lower_hard_swish(Lowering& l, const ir::Node& node) {
  return lower_by(l, node, [&](const Value& x) { return l.binary("mul", x, hard_sigmoid(l, x)); });
}

Result<void> lower_scale(Lowering& l, const ir::Node& node) {
  return lower_by(
      l, node, [&](const Value& x) { return l.binary("mul", x, node.attributes.real("factor")); });
}

Result<void> lower_global_average_pool(Lowering& l, const ir::Node& node) {
  return lower_by(l, node,
                  [&](const Value& x) { return l.reduce("reduce_mean", x, {2, 3}, true); });
}

Result<void> lower_flatten(Lowering& l, const ir::Node& node) {
  return lower_by(l, node, [&](const Value& x) { return l.reshape(x, l.shape(node.output)); });
}

constexpr LoweringRow rows[] = {
    {ir::Op::add, lower_add},
    {ir::Op::multiply, lower_multiply},
    {ir::Op::silu, lower_silu},
    {ir::Op::sigmoid, lower_sigmoid},
    {ir::Op::relu, lower_relu},
    {ir::Op::relu6, lower_relu6},
    {ir::Op::tanh, lower_tanh},
    {ir::Op::gelu, lower_gelu},
    {ir::Op::gelu_tanh, lower_gelu_tanh},
    {ir::Op::hard_swish, lower_hard_swish},
    {ir::Op::hard_sigmoid, lower_hard_sigmoid},
    {ir::Op::scale, lower_scale},
    {ir::Op::global_average_pool, lower_global_average_pool},
    {ir::Op::flatten, lower_flatten},
};

}  // namespace

std::span<const LoweringRow> simple_lowerings() { return rows; }

}  // namespace qb::coreml
