// Operators that are one call of ATen.
#include "measurement/engines/pytorch/lowering.h"

namespace qb::pytorch {
namespace {

// An operand that may be a parameter, which stays where it is, or a slot.
struct Operand {
  Slot slot = 0;
  at::Tensor constant;
  const at::Tensor& in(const Frame& frame) const {
    return constant.defined() ? constant : frame.slots[slot];
  }
};

Operand operand_of(Lowering& l, ir::Value value) {
  if (l.ir()[value].kind == ir::ValueKind::parameter) return {.constant = l.f32_tensor(value)};
  return {.slot = l.operand(value)};
}

template <typename F>
Result<void> pair(Lowering& l, const ir::Node& node, F f) {
  const Operand a = operand_of(l, node.inputs[0]);
  const Operand b = operand_of(l, node.inputs[1]);
  const Slot out = l.result(node.output);
  std::vector<Slot> reads;
  for (const Operand* operand : {&a, &b})
    if (!operand->constant.defined()) reads.push_back(operand->slot);
  l.add_step(std::move(reads),
             [=](Frame& frame) { frame.slots[out] = f(a.in(frame), b.in(frame)); });
  return {};
}

template <typename F>
Result<void> unary(Lowering& l, const ir::Node& node, F f) {
  l.add_step(node.output, node.inputs[0], f);
  return {};
}

Result<void> lower_add(Lowering& l, const ir::Node& node) {
  if (l.is_measured(node.output) && l.is_measured(node.inputs[0]) && l.is_measured(node.inputs[1]))
    return lower_integer_add(l, node);
  return pair(l, node, [](const at::Tensor& a, const at::Tensor& b) { return at::add(a, b); });
}
Result<void> lower_multiply(Lowering& l, const ir::Node& node) {
  return pair(l, node, [](const at::Tensor& a, const at::Tensor& b) { return at::mul(a, b); });
}
Result<void> lower_silu(Lowering& l, const ir::Node& node) {
  return unary(l, node, [](const at::Tensor& x) { return at::silu(x); });
}
Result<void> lower_sigmoid(Lowering& l, const ir::Node& node) {
  return unary(l, node, [](const at::Tensor& x) { return at::sigmoid(x); });
}
Result<void> lower_relu6(Lowering& l, const ir::Node& node) {
  if (l.has_codes(node.output)) return {};  // the convolution before it saturates where it clips
  return unary(l, node, [](const at::Tensor& x) { return at::hardtanh(x, 0.0, 6.0); });
}
Result<void> lower_global_average_pool(Lowering& l, const ir::Node& node) {
  return unary(l, node, [](const at::Tensor& x) { return at::mean(x, {2, 3}, /*keepdim=*/true); });
}

Result<void> lower_flatten(Lowering& l, const ir::Node& node) {
  const auto flat = [](const at::Tensor& x) { return at::flatten(x, 1); };
  if (!l.is_measured(node.inputs[0])) return unary(l, node, flat);
  const Codes from = l.measured_codes(node.inputs[0]);
  const Codes to = l.claim_codes(node.output);
  l.add_step({from.slot},
             [=](Frame& frame) { frame.slots[to.slot] = flat(frame.slots[from.slot]); });
  return {};
}

Result<void> lower_select_positions(Lowering& l, const ir::Node& node) {
  const Slot x = l.operand(node.inputs[0]);
  const Slot positions = l.operand(node.inputs[1]);
  const Slot out = l.result(node.output);
  l.add_step({x, positions}, [=](Frame& frame) {
    frame.slots[out] = at::index_select(frame.slots[x], 1, frame.slots[positions]);
  });
  return {};
}

constexpr LoweringRow rows[] = {
    {ir::Op::add, lower_add},         {ir::Op::multiply, lower_multiply},
    {ir::Op::silu, lower_silu},       {ir::Op::sigmoid, lower_sigmoid},
    {ir::Op::relu6, lower_relu6},     {ir::Op::global_average_pool, lower_global_average_pool},
    {ir::Op::flatten, lower_flatten}, {ir::Op::select_positions, lower_select_positions},
};

}  // namespace

std::span<const LoweringRow> simple_lowerings() { return rows; }

}  // namespace qb::pytorch
