// What moves and adds rows of [batch, tokens, width].
#include "measurement/engines/onnxruntime/lowering.h"

namespace qb::ort {
namespace {

Result<void> lower_select_positions(Lowering& l, const ir::Node& node) {
  l.node({"Gather",
          "",
          {l.operand(node.inputs[0]), l.operand(node.inputs[1])},
          {l.output(node.output)},
          {{"axis", int64_t{1}}}});
  return {};
}

Result<void> lower_reorder(Lowering& l, const ir::Node& node) {
  const auto order = node.attributes.integers("order");
  l.node({"Gather",
          "",
          {l.operand(node.inputs[0]),
           l.constant("order", ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, {std::ssize(order)}, order)},
          {l.output(node.output)},
          {{"axis", int64_t{-1}}}});
  return {};
}

Result<void> lower_to_tokens(Lowering& l, const ir::Node& node) {
  const std::string planes = l.fresh(l.output(node.output));
  l.node({"Reshape", "", {l.operand(node.inputs[0]), l.integers("shape", {0, 0, -1})}, {planes}});
  l.node({"Transpose",
          "",
          {planes},
          {l.output(node.output)},
          {{"perm", std::vector<int64_t>{0, 2, 1}}}});
  return {};
}

Result<void> lower_prepend_token(Lowering& l, const ir::Node& node) {
  const int64_t width = l.ir()[node.output].shape.back().extent;
  const std::string first = l.fresh("first_token");
  l.node({"Expand",
          "",
          {l.operand(node.inputs[1]), l.integers("shape", {l.options().batch, 1, width})},
          {first}});
  l.node({"Concat",
          "",
          {first, l.operand(node.inputs[0])},
          {l.output(node.output)},
          {{"axis", int64_t{1}}}});
  return {};
}

Result<void> lower_add_positions(Lowering& l, const ir::Node& node) {
  const std::string x = l.operand(node.inputs[0]);
  const std::string count = l.fresh("token_count");
  const std::string table = l.fresh("positions");
  l.node({"Shape", "", {x}, {count}, {{"start", int64_t{1}}, {"end", int64_t{2}}}});
  l.node({"Slice",
          "",
          {l.operand(node.inputs[1]), l.integers("from", {0}), count, l.integers("axes", {0})},
          {table}});
  l.node({"Add", "", {x, table}, {l.output(node.output)}});
  return {};
}

// Of the tokens that the mask leaves: their sum by their number.
Result<void> lower_masked_mean(Lowering& l, const ir::Node& node) {
  const std::string mask = l.fresh("mask");
  const std::string column = l.fresh("mask");
  const std::string left = l.fresh("left");
  const std::string sum = l.fresh("sum");
  const std::string count = l.fresh("count");
  const std::string tokens = l.integers("axes", {1});
  l.node({"Cast",
          "",
          {l.operand(node.inputs[1])},
          {mask},
          {{"to", int64_t{ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT}}}});
  l.node({"Unsqueeze", "", {mask, l.integers("axes", {2})}, {column}});
  l.node({"Mul", "", {l.operand(node.inputs[0]), column}, {left}});
  l.node({"ReduceSum", "", {left, tokens}, {sum}, {{"keepdims", int64_t{0}}}});
  l.node({"ReduceSum", "", {mask, tokens}, {count}});
  l.node({"Div", "", {sum, count}, {l.output(node.output)}});
  return {};
}

Result<void> lower_pick_tokens(Lowering& l, const ir::Node& node) {
  if (node.inputs.size() < 2) {
    const int64_t first = 0;
    l.node({"Gather",
            "",
            {l.operand(node.inputs[0]), l.constant("first", ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, {},
                                                   std::span<const int64_t>(&first, 1))},
            {l.output(node.output)},
            {{"axis", int64_t{1}}}});
    return {};
  }
  const std::string positions = l.fresh("positions");
  l.node({"Unsqueeze", "", {l.operand(node.inputs[1]), l.integers("axes", {1})}, {positions}});
  l.node({"GatherND",
          "",
          {l.operand(node.inputs[0]), positions},
          {l.output(node.output)},
          {{"batch_dims", int64_t{1}}}});
  return {};
}

Result<void> lower_mean_tokens(Lowering& l, const ir::Node& node) {
  if (node.inputs.size() > 1) return lower_masked_mean(l, node);
  l.node({"ReduceMean",
          "",
          {l.operand(node.inputs[0]), l.integers("axes", {1})},
          {l.output(node.output)},
          {{"keepdims", int64_t{0}}}});
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

}  // namespace qb::ort
