// conv2d, batch_norm and max_pool.
#include "measurement/engines/coreml/lowering.h"

namespace qb::coreml {
namespace {

// The IR's padding is top, left, bottom, right; Core ML's is before and after, dimension by
// dimension.
Constant padding_of(const ir::Node& node) {
  const auto p = node.attributes.integers("padding");
  return integers(std::vector<int64_t>{p[0], p[2], p[1], p[3]});
}

void add_convolution(Lowering& l, const ir::Node& node, const Operand& weight,
                     const std::optional<Value>& bias, ir::Value output) {
  const Value x = l.operand(node.inputs[0]).value();
  Operands operands = {{"x", x}, {"weight", weight}};
  if (bias) operands.emplace_back("bias", *bias);
  const std::vector<int64_t> ones = {1, 1};
  operands.insert(operands.end(), {{"strides", integers(node.attributes.integers("stride"))},
                                   {"pad_type", text("custom")},
                                   {"pad", padding_of(node)},
                                   {"dilations", integers(ones)},
                                   {"groups", integer(node.attributes.integer("group_count"))}});
  l.set(output, l.apply("conv", operands, l.shape(output)));
}

Result<void> lower_conv2d(Lowering& l, const ir::Node& node) {
  QB_CHECK(l.operand(node.inputs[0]));
  const bundle::Parameter& parameter = l.parameter(node.inputs[1]);
  if (const ir::Node* norm = l.transformations().norm_folded_into(node)) {
    const lowering::FoldedConvolution folded = lowering::fold(l.bundle(), {&node, norm});
    const Value weight = l.reals(parameter.name, parameter.shape, folded.weight);
    const Value bias = l.reals("bias", {parameter.shape[0]}, folded.bias);
    add_convolution(l, node, weight, bias, norm->output);
    return {};
  }
  QB_TRY(const Value weight, l.operand(node.inputs[1]));
  std::optional<Value> bias;
  if (node.inputs.size() > 2) {
    QB_TRY(bias, l.operand(node.inputs[2]));
  }
  add_convolution(l, node, weight, bias, node.output);
  return {};
}

// As a gain and an offset for each channel: the epsilon and a small variance are beyond f16.
Result<void> lower_batch_norm(Lowering& l, const ir::Node& node) {
  if (l.transformations().is_folded(node)) return {};
  QB_TRY(const Value x, l.operand(node.inputs[0]));
  const ir::ChannelMap map = lowering::channel_map(l.bundle(), node);
  const Shape by_channel = {1, static_cast<int64_t>(map.gains.size()), 1, 1};
  const Value scaled = l.binary("mul", x, l.reals("gain", by_channel, map.gains));
  l.set(node.output, l.binary("add", scaled, l.reals("offset", by_channel, map.offsets)));
  return {};
}

Result<void> lower_max_pool(Lowering& l, const ir::Node& node) {
  QB_TRY(const Value x, l.operand(node.inputs[0]));
  l.set(node.output, l.apply("max_pool",
                             {{"x", x},
                              {"kernel_sizes", integers(node.attributes.integers("kernel"))},
                              {"strides", integers(node.attributes.integers("stride"))},
                              {"pad_type", text("custom")},
                              {"pad", padding_of(node)},
                              {"ceil_mode", boolean(false)}},
                             l.shape(node.output)));
  return {};
}

constexpr LoweringRow rows[] = {
    {ir::Op::conv2d, lower_conv2d},
    {ir::Op::batch_norm, lower_batch_norm},
    {ir::Op::max_pool, lower_max_pool},
};

}  // namespace

std::span<const LoweringRow> conv2d_lowerings() { return rows; }

}  // namespace qb::coreml
