// Operators that are one call of ATen.
#include <limits>

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
Result<void> unary(Lowering& l, const ir::Node& node, const F& f) {
  l.add_step(node.output, node.inputs[0], f);
  return {};
}

Result<void> lower_add(Lowering& l, const ir::Node& node) {
  if (l.is_measured(l.rectified(node.output)) && l.is_measured(node.inputs[0]) &&
      l.is_measured(node.inputs[1]))
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
  if (l.has_codes(node.output)) return {};  // what is before it saturates where it clips
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

Result<void> lower_relu(Lowering& l, const ir::Node& node) {
  if (l.has_codes(node.output)) return {};  // what is before it saturates where it clips
  return unary(l, node, [](const at::Tensor& x) { return at::relu(x); });
}
Result<void> lower_gelu(Lowering& l, const ir::Node& node) {
  return unary(l, node, [](const at::Tensor& x) { return at::gelu(x); });
}
Result<void> lower_gelu_tanh(Lowering& l, const ir::Node& node) {
  return unary(l, node, [](const at::Tensor& x) { return at::gelu(x, "tanh"); });
}
Result<void> lower_tanh(Lowering& l, const ir::Node& node) {
  return unary(l, node, [](const at::Tensor& x) { return at::tanh(x); });
}
Result<void> lower_hard_swish(Lowering& l, const ir::Node& node) {
  return unary(l, node, [](const at::Tensor& x) { return at::hardswish(x); });
}
Result<void> lower_hard_sigmoid(Lowering& l, const ir::Node& node) {
  return unary(l, node, [](const at::Tensor& x) { return at::hardsigmoid(x); });
}
Result<void> lower_scale(Lowering& l, const ir::Node& node) {
  return unary(l, node, [factor = node.attributes.real("factor")](const at::Tensor& x) {
    return at::mul(x, factor);
  });
}

// The operator pads both sides alike, and by half the kernel at most.
Result<void> lower_max_pool(Lowering& l, const ir::Node& node) {
  const auto list = [&](const char* name) {
    const auto values = node.attributes.integers(name);
    return std::vector<int64_t>(values.begin(), values.end());
  };
  const std::vector<int64_t> padding = list("padding");  // top, left, bottom, right
  const std::vector<int64_t> before = {padding[0], padding[1]};
  const std::vector<int64_t> kernel = list("kernel");
  const bool is_even = padding[0] == padding[2] && padding[1] == padding[3] &&
                       2 * padding[0] <= kernel[0] && 2 * padding[1] <= kernel[1];
  return unary(l, node,
               [=, around = std::vector<int64_t>{padding[1], padding[3], padding[0], padding[2]},
                stride = list("stride")](const at::Tensor& x) {
                 if (is_even) return at::max_pool2d(x, kernel, stride, before);
                 const float lowest = -std::numeric_limits<float>::infinity();
                 return at::max_pool2d(at::constant_pad_nd(x, around, lowest), kernel, stride);
               });
}

constexpr LoweringRow rows[] = {
    {ir::Op::add, lower_add},
    {ir::Op::multiply, lower_multiply},
    {ir::Op::silu, lower_silu},
    {ir::Op::sigmoid, lower_sigmoid},
    {ir::Op::relu6, lower_relu6},
    {ir::Op::global_average_pool, lower_global_average_pool},
    {ir::Op::flatten, lower_flatten},
    {ir::Op::relu, lower_relu},
    {ir::Op::gelu, lower_gelu},
    {ir::Op::gelu_tanh, lower_gelu_tanh},
    {ir::Op::tanh, lower_tanh},
    {ir::Op::hard_swish, lower_hard_swish},
    {ir::Op::hard_sigmoid, lower_hard_sigmoid},
    {ir::Op::scale, lower_scale},
    {ir::Op::max_pool, lower_max_pool},
};

}  // namespace

std::span<const LoweringRow> simple_lowerings() { return rows; }

}  // namespace qb::pytorch
