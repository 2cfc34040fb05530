// What moves and adds rows of [batch, tokens, width].
#include "measurement/engines/mlx/lowering.h"

namespace qb::mlx {
namespace {

Result<void> lower_select_positions(Lowering& l, const ir::Node& node) {
  l.add_binary(node, [](const mx::array& x, const mx::array& positions) {
    return mx::take(x, positions, 1);
  });
  return {};
}

Result<void> lower_reorder(Lowering& l, const ir::Node& node) {
  const auto order = node.attributes.integers("order");
  const std::vector<int32_t> from(order.begin(), order.end());
  const mx::array indices(from.data(), mx::Shape{static_cast<mx::ShapeElem>(from.size())},
                          mx::int32);
  l.add_unary(node, [indices](const mx::array& x) { return mx::take(x, indices, -1); });
  return {};
}

// Of pictures as they lie here, [batch, height, width, channels].
Result<void> lower_to_tokens(Lowering& l, const ir::Node& node) {
  l.add_unary(node, [](const mx::array& x) { return mx::flatten(x, 1, 2); });
  return {};
}

Result<void> lower_prepend_token(Lowering& l, const ir::Node& node) {
  l.add_binary(node, [](const mx::array& x, const mx::array& token) {
    const mx::array first = mx::broadcast_to(token, {x.shape(0), 1, x.shape(2)});
    return mx::concatenate({mx::astype(first, x.dtype()), x}, 1);
  });
  return {};
}

Result<void> lower_add_positions(Lowering& l, const ir::Node& node) {
  l.add_binary(node, [](const mx::array& x, const mx::array& table) {
    return mx::add(x, mx::slice(table, mx::Shape{0, 0}, mx::Shape{x.shape(1), x.shape(2)}));
  });
  return {};
}

// Of the tokens that the mask leaves: their sum by their number.
mx::array masked_mean(const mx::array& x, const mx::array& mask) {
  const mx::array left =
      mx::expand_dims(mx::astype(mx::not_equal(mask, mx::array(0, mx::int64)), x.dtype()), -1);
  return mx::divide(mx::sum(mx::multiply(x, left), 1), mx::sum(left, 1));
}

Result<void> lower_mean_tokens(Lowering& l, const ir::Node& node) {
  if (node.inputs.size() > 1)
    l.add_binary(node, masked_mean);
  else
    l.add_unary(node, [](const mx::array& x) { return mx::mean(x, 1); });
  return {};
}

Result<void> lower_pick_tokens(Lowering& l, const ir::Node& node) {
  if (node.inputs.size() < 2) {
    l.add_unary(node, [](const mx::array& x) { return mx::take(x, 0, 1); });
    return {};
  }
  l.add_binary(node, [](const mx::array& x, const mx::array& positions) {
    return mx::squeeze(mx::take_along_axis(x, mx::expand_dims(positions, {1, 2}), 1), 1);
  });
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

}  // namespace qb::mlx
