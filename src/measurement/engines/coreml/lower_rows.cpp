// What moves and adds rows of [batch, tokens, width].
#include "measurement/engines/coreml/lowering.h"

namespace qb::coreml {
namespace {

Result<void> lower_select_positions(Lowering& l, const ir::Node& node) {
  QB_TRY(const Value x, l.operand(node.inputs[0]));
  QB_TRY(const Value positions, l.operand(node.inputs[1]));
  l.set(node.output, l.gather(x, positions, 1, 0, l.shape(node.output)));
  return {};
}

Result<void> lower_reorder(Lowering& l, const ir::Node& node) {
  QB_TRY(const Value x, l.operand(node.inputs[0]));
  const auto order = node.attributes.integers("order");
  l.set(node.output, l.apply("gather",
                             {{"x", x},
                              {"indices", integers({order.begin(), order.end()})},
                              {"axis", integer(std::ssize(x.shape) - 1)},
                              {"batch_dims", integer(0)},
                              {"validate_indices", boolean(false)}},
                             l.shape(node.output)));
  return {};
}

Result<void> lower_to_tokens(Lowering& l, const ir::Node& node) {
  QB_TRY(const Value x, l.operand(node.inputs[0]));
  const Value planes = l.reshape(x, {x.shape[0], x.shape[1], x.shape[2] * x.shape[3]});
  l.set(node.output, l.transpose(planes, {0, 2, 1}));
  return {};
}

Result<void> lower_prepend_token(Lowering& l, const ir::Node& node) {
  QB_TRY(const Value x, l.operand(node.inputs[0]));
  QB_TRY(const Value token, l.operand(node.inputs[1]));
  const int64_t width = token.shape[0];
  Value first = l.reshape(token, {1, 1, width});
  if (x.shape[0] > 1) {
    const std::vector<int64_t> repeats = {x.shape[0], 1, 1};
    first = l.apply("tile", {{"x", first}, {"reps", integers(repeats)}}, {x.shape[0], 1, width});
  }
  l.set(node.output, l.apply("concat",
                             {{"values", std::vector<Value>{first, x}},
                              {"axis", integer(1)},
                              {"interleave", boolean(false)}},
                             l.shape(node.output)));
  return {};
}

Result<void> lower_add_positions(Lowering& l, const ir::Node& node) {
  QB_TRY(const Value x, l.operand(node.inputs[0]));
  QB_TRY(const Value table, l.operand(node.inputs[1]));
  if (x.shape[1] > table.shape[0])
    return fail(Errc::bad_input, "{} tokens, and the network has {} positions", x.shape[1],
                table.shape[0]);
  l.set(node.output, l.binary("add", x, l.slice(table, {0, 0}, {x.shape[1], x.shape[2]})));
  return {};
}

// Each token's share first: a sum of many tokens may leave f16's range.
Result<void> lower_mean_tokens(Lowering& l, const ir::Node& node) {
  QB_TRY(const Value x, l.operand(node.inputs[0]));
  if (node.inputs.size() < 2) {
    l.set(node.output, l.reduce("reduce_mean", x, {1}, false));
    return {};
  }
  QB_TRY(const Value mask, l.operand(node.inputs[1]));
  const Value counted = l.cast(mask, l.compute());
  const Value shares = l.binary("real_div", counted, l.reduce("reduce_sum", counted, {1}, true));
  const Value weighted = l.binary("mul", x, l.reshape(shares, {mask.shape[0], mask.shape[1], 1}));
  l.set(node.output, l.reduce("reduce_sum", weighted, {1}, false));
  return {};
}

Result<void> lower_pick_tokens(Lowering& l, const ir::Node& node) {
  QB_TRY(const Value x, l.operand(node.inputs[0]));
  const int64_t batch = x.shape[0];
  const int64_t width = x.shape[2];
  Value picked;
  if (node.inputs.size() < 2) {
    picked = l.slice(x, {0, 0, 0}, {batch, 1, width});
  } else {
    QB_TRY(const Value position, l.operand(node.inputs[1]));
    picked = l.gather(x, l.reshape(position, {batch, 1}), 1, 1, {batch, 1, width});
  }
  l.set(node.output, l.reshape(picked, {batch, width}));
  return {};
}

constexpr LoweringRow rows[] = {
    {ir::Op::select_positions, lower_select_positions},
    {ir::Op::reorder, lower_reorder},
    {ir::Op::to_tokens, lower_to_tokens},
    {ir::Op::prepend_token, lower_prepend_token},
    {ir::Op::add_positions, lower_add_positions},
    {ir::Op::mean_tokens, lower_mean_tokens},
    {ir::Op::pick_tokens, lower_pick_tokens},
};

}  // namespace

std::span<const LoweringRow> row_lowerings() { return rows; }

}  // namespace qb::coreml
