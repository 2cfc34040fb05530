// rms_norm, layer_norm and l2_normalize.
#include <cmath>

#include "measurement/engines/coreml/lowering.h"

namespace qb::coreml {
namespace {

constexpr int64_t last = -1;

// A norm of a part of the width sees each stretch as a row of its own.
Value as_rows(Lowering& l, const Value& x, int64_t width) {
  Shape shape = x.shape;
  if (shape.back() == width) return x;
  shape.back() /= width;
  shape.push_back(width);
  return l.reshape(x, shape);
}

// x in units of the row's largest value, and that: squares of f16 leave its range from 256 on. In
// f32 there is no need. `floor` is what the largest is taken to be at least.
struct Scaled {
  Value x, unit;
};
Scaled scale_down(Lowering& l, const Value& x, double floor) {
  const Value largest = l.reduce("reduce_max", l.unary("abs", x), {last}, true);
  const Value unit = l.binary("maximum", largest, floor);
  return {l.binary("real_div", x, unit), unit};
}

// x / sqrt(mean(x²) + epsilon).
Value normalize(Lowering& l, const Value& x, double epsilon) {
  const auto mean_of_squares = [&](const Value& v) {
    return l.reduce("reduce_mean", l.binary("mul", v, v), {last}, true);
  };
  if (l.compute() == Type::f32) {
    const Value mean = l.binary("add", mean_of_squares(x), epsilon);
    return l.binary("mul", x, l.inverse_root(mean));
  }
  const double root = std::sqrt(epsilon);
  const Scaled scaled = scale_down(l, x, std::max(root / 128.0, 6.2e-5));
  const Value root_in_units =
      l.apply("real_div", {{"x", l.number(root)}, {"y", scaled.unit}}, scaled.unit.shape);
  const Value mean =
      l.binary("add", mean_of_squares(scaled.x), l.binary("mul", root_in_units, root_in_units));
  return l.binary("mul", scaled.x, l.inverse_root(mean));
}

Result<void> lower_rms_norm(Lowering& l, const ir::Node& node) {
  QB_TRY(const Value x, l.operand(node.inputs[0]));
  QB_TRY(const Value weight, l.operand(node.inputs[1]));
  const Value rows = as_rows(l, x, weight.shape[0]);
  const Value normal = normalize(l, rows, node.attributes.real("epsilon"));
  l.set(node.output, l.reshape(l.binary("mul", normal, weight), x.shape));
  return {};
}

Result<void> lower_layer_norm(Lowering& l, const ir::Node& node) {
  QB_TRY(const Value x, l.operand(node.inputs[0]));
  QB_TRY(const Value weight, l.operand(node.inputs[1]));
  QB_TRY(const Value bias, l.operand(node.inputs[2]));
  const Value rows = as_rows(l, x, weight.shape[0]);
  const std::vector<int64_t> axes = {last};
  const Value normal = l.apply("layer_norm",
                               {{"x", rows},
                                {"axes", integers(axes)},
                                {"gamma", weight},
                                {"beta", bias},
                                {"epsilon", l.number(node.attributes.real("epsilon"))}},
                               rows.shape);
  l.set(node.output, l.reshape(normal, x.shape));
  return {};
}

Result<void> lower_l2_normalize(Lowering& l, const ir::Node& node) {
  QB_TRY(Value x, l.operand(node.inputs[0]));
  constexpr double smallest = 1e-12;  // of the IR's row
  const bool is_f16 = l.compute() == Type::f16;
  if (is_f16) x = scale_down(l, x, 6.2e-5).x;
  const Value sum = l.reduce("reduce_sum", l.binary("mul", x, x), {last}, true);
  const Value length = l.binary("maximum", l.unary("sqrt", sum), is_f16 ? 6.2e-5 : smallest);
  l.set(node.output, l.binary("real_div", x, length));
  return {};
}

constexpr LoweringRow rows[] = {
    {ir::Op::rms_norm, lower_rms_norm},
    {ir::Op::layer_norm, lower_layer_norm},
    {ir::Op::l2_normalize, lower_l2_normalize},
};

}  // namespace

std::span<const LoweringRow> norm_lowerings() { return rows; }

}  // namespace qb::coreml
