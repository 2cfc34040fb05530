// linear and embedding.
#include "measurement/engines/coreml/lowering.h"

namespace qb::coreml {
namespace {

Result<void> lower_linear(Lowering& l, const ir::Node& node) {
  QB_TRY(const Value x, l.operand(node.inputs[0]));
  QB_TRY(const Value weight, l.operand(node.inputs[1]));
  Value bias;
  if (node.inputs.size() > 2) {
    QB_TRY(bias, l.operand(node.inputs[2]));
  } else {
    const std::vector<float> zeros(static_cast<size_t>(weight.shape[0]));
    bias = l.reals("bias", {weight.shape[0]}, zeros);
  }
  l.set(node.output,
        l.apply("linear", {{"x", x}, {"weight", weight}, {"bias", bias}}, l.shape(node.output)));
  return {};
}

Result<void> lower_embedding(Lowering& l, const ir::Node& node) {
  QB_TRY(const Value tokens, l.operand(node.inputs[0]));
  QB_TRY(const Value weight, l.operand(node.inputs[1]));
  l.set(node.output, l.gather(weight, tokens, 0, 0, l.shape(node.output)));
  return {};
}

constexpr LoweringRow rows[] = {
    {ir::Op::linear, lower_linear},
    {ir::Op::embedding, lower_embedding},
};

}  // namespace

std::span<const LoweringRow> linear_lowerings() { return rows; }

}  // namespace qb::coreml
