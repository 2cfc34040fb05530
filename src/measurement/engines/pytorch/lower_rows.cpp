// What moves and adds rows of [batch, tokens, width].
#include "measurement/engines/pytorch/lowering.h"

namespace qb::pytorch {
namespace {

Result<void> lower_select_positions(Lowering& l, const ir::Node& node) {
  const Slot x = l.operand(node.inputs[0]);
  const Slot positions = l.operand(node.inputs[1]);
  const Slot out = l.result(node.output);
  l.add_step({x, positions}, [=](Frame& frame) {
    frame.slots[out] = at::index_select(frame.slots[x], 1, frame.slots[positions]);
  });
  return {};
}

Result<void> lower_reorder(Lowering& l, const ir::Node& node) {
  const auto order = node.attributes.integers("order");
  const at::Tensor indices =
      at::tensor(at::ArrayRef<int64_t>(order.data(), order.size()), at::kLong).to(l.device());
  l.add_step(node.output, node.inputs[0],
             [indices](const at::Tensor& x) { return at::index_select(x, -1, indices); });
  return {};
}

Result<void> lower_to_tokens(Lowering& l, const ir::Node& node) {
  l.add_step(node.output, node.inputs[0],
             [](const at::Tensor& x) { return at::flatten(x, 2).transpose(1, 2); });
  return {};
}

Result<void> lower_prepend_token(Lowering& l, const ir::Node& node) {
  const at::Tensor token = l.f32_tensor(node.inputs[1]);
  l.add_step(node.output, node.inputs[0], [token](const at::Tensor& x) {
    return at::cat({token.expand({x.size(0), 1, -1}), x}, 1);
  });
  return {};
}

Result<void> lower_add_positions(Lowering& l, const ir::Node& node) {
  const at::Tensor table = l.f32_tensor(node.inputs[1]);
  l.add_step(node.output, node.inputs[0],
             [table](const at::Tensor& x) { return at::add(x, table.narrow(0, 0, x.size(1))); });
  return {};
}

// Of the tokens that the mask leaves: their sum by their number.
at::Tensor masked_mean(const at::Tensor& x, const at::Tensor& mask) {
  const at::Tensor left = mask.ne(0).to(at::kFloat).unsqueeze(-1);
  return at::div(at::sum(at::mul(x, left), 1), at::sum(left, 1));
}

// out = f(x, indices): of inputs 0 and 1.
template <typename F>
Result<void> add_with_indices(Lowering& l, const ir::Node& node, F f) {
  const Slot x = l.operand(node.inputs[0]);
  const Slot indices = l.operand(node.inputs[1]);
  const Slot out = l.result(node.output);
  l.add_step({x, indices},
             [=](Frame& frame) { frame.slots[out] = f(frame.slots[x], frame.slots[indices]); });
  return {};
}

Result<void> lower_mean_tokens(Lowering& l, const ir::Node& node) {
  if (node.inputs.size() > 1) return add_with_indices(l, node, masked_mean);
  l.add_step(node.output, node.inputs[0], [](const at::Tensor& x) { return at::mean(x, {1}); });
  return {};
}

Result<void> lower_pick_tokens(Lowering& l, const ir::Node& node) {
  if (node.inputs.size() > 1)
    return add_with_indices(l, node, [](const at::Tensor& x, const at::Tensor& positions) {
      return at::index(x, {at::arange(x.size(0), positions.options()), positions});
    });
  l.add_step(node.output, node.inputs[0], [](const at::Tensor& x) { return x.select(1, 0); });
  return {};
}

constexpr LoweringRow rows[] = {
    {ir::Op::select_positions, lower_select_positions},
    {ir::Op::to_tokens, lower_to_tokens},
    {ir::Op::reorder, lower_reorder},
    {ir::Op::prepend_token, lower_prepend_token},
    {ir::Op::add_positions, lower_add_positions},
    {ir::Op::mean_tokens, lower_mean_tokens},
    {ir::Op::pick_tokens, lower_pick_tokens},
};

}  // namespace

std::span<const LoweringRow> row_lowerings() { return rows; }

}  // namespace qb::pytorch
