// Functions of each value by itself; silu is in lower_simple.cpp, where a product may take it over.
#include <cmath>
#include <numbers>

#include "measurement/engines/mlx/lowering.h"

namespace qb::mlx {
namespace {

mx::array number(const mx::array& x, double value) {
  return mx::array(static_cast<float>(value), x.dtype());
}

mx::array relu6_of(const mx::array& x) { return mx::clip(x, number(x, 0.0), number(x, 6.0)); }

using Arrays = std::vector<mx::array>;

// The formulas of mlx.nn.
Arrays gelu(const Arrays& inputs) {
  const mx::array& x = inputs[0];
  const mx::array phi =
      mx::add(mx::erf(mx::multiply(x, number(x, 1.0 / std::numbers::sqrt2))), number(x, 1.0));
  return {mx::multiply(mx::multiply(x, phi), number(x, 0.5))};
}

Arrays gelu_tanh(const Arrays& inputs) {
  const mx::array& x = inputs[0];
  const mx::array cube = mx::multiply(mx::multiply(x, x), x);
  const mx::array inner = mx::multiply(number(x, std::sqrt(2.0 / std::numbers::pi)),
                                       mx::add(x, mx::multiply(number(x, 0.044715), cube)));
  return {mx::multiply(mx::multiply(number(x, 0.5), x), mx::add(number(x, 1.0), mx::tanh(inner)))};
}

Arrays hard_swish(const Arrays& inputs) {
  const mx::array& x = inputs[0];
  return {mx::divide(mx::multiply(x, relu6_of(mx::add(x, number(x, 3.0)))), number(x, 6.0))};
}

Arrays hard_sigmoid(const Arrays& inputs) {
  const mx::array& x = inputs[0];
  return {mx::divide(relu6_of(mx::add(x, number(x, 3.0))), number(x, 6.0))};
}

// As one kernel for any shape where MLX fuses, which is how mlx.nn has it. A network that is
// compiled as a whole needs none of its own.
Result<void> lower_formula(Lowering& l, const ir::Node& node, Arrays (*f)(const Arrays&)) {
  if (l.fuses() && !l.is_static()) {
    l.add_unary(node, [compiled = mx::compile(f, /*shapeless=*/true)](const mx::array& x) {
      return compiled({x})[0];
    });
    l.count(fmt::format("compiled {}", ir::name_of(node.op)));
  } else {
    l.add_unary(node, [f](const mx::array& x) { return f({x})[0]; });
  }
  return {};
}

Result<void> lower_gelu(Lowering& l, const ir::Node& node) { return lower_formula(l, node, gelu); }
Result<void> lower_gelu_tanh(Lowering& l, const ir::Node& node) {
  return lower_formula(l, node, gelu_tanh);
}
Result<void> lower_hard_swish(Lowering& l, const ir::Node& node) {
  return lower_formula(l, node, hard_swish);
}
Result<void> lower_hard_sigmoid(Lowering& l, const ir::Node& node) {
  return lower_formula(l, node, hard_sigmoid);
}

Result<void> lower_sigmoid(Lowering& l, const ir::Node& node) {
  l.add_unary(node, [](const mx::array& x) { return mx::sigmoid(x); });
  return {};
}

Result<void> lower_relu6(Lowering& l, const ir::Node& node) {
  l.add_unary(node, relu6_of);
  return {};
}

Result<void> lower_relu(Lowering& l, const ir::Node& node) {
  l.add_unary(node, [](const mx::array& x) { return mx::maximum(x, number(x, 0.0)); });
  return {};
}

Result<void> lower_tanh(Lowering& l, const ir::Node& node) {
  l.add_unary(node, [](const mx::array& x) { return mx::tanh(x); });
  return {};
}

Result<void> lower_scale(Lowering& l, const ir::Node& node) {
  l.add_unary(node, [factor = node.attributes.real("factor")](const mx::array& x) {
    return mx::multiply(x, number(x, factor));
  });
  return {};
}

constexpr LoweringRow rows[] = {
    {ir::Op::sigmoid, lower_sigmoid},
    {ir::Op::relu6, lower_relu6},
    {ir::Op::relu, lower_relu},
    {ir::Op::gelu, lower_gelu},
    {ir::Op::gelu_tanh, lower_gelu_tanh},
    {ir::Op::tanh, lower_tanh},
    {ir::Op::hard_swish, lower_hard_swish},
    {ir::Op::hard_sigmoid, lower_hard_sigmoid},
    {ir::Op::scale, lower_scale},
};

}  // namespace

std::span<const LoweringRow> activation_lowerings() { return rows; }

}  // namespace qb::mlx
