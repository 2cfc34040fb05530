// rms_norm, layer_norm and l2_normalize.
#include "measurement/engines/onnxruntime/lowering.h"

namespace qb::ort {
namespace {

// Last dimension only: of rows as wide as the norm's weight.
struct Rows {
  std::string input, output;
};

// Where the weight is narrower than what the norm reads, each stretch is a row of its own: it is
// reshaped before, and `close` reshapes back.
Rows open_rows(Lowering& l, const ir::Node& node) {
  const std::string x = l.operand(node.inputs[0]);
  if (l.is_of_whole_rows(node)) return {x, l.output(node.output)};
  std::vector<int64_t> shape(l.ir()[node.inputs[0]].shape.size() - 1, 0);
  shape.insert(shape.end(), {-1, l.ir()[node.inputs[1]].shape.back().extent});
  Rows rows = {l.fresh(x), l.fresh(x)};
  l.node({"Reshape", "", {x, l.integers("shape", shape)}, {rows.input}});
  return rows;
}

void close_rows(Lowering& l, const ir::Node& node, const Rows& rows) {
  if (l.is_of_whole_rows(node)) return;
  std::vector<int64_t> shape(l.ir()[node.inputs[0]].shape.size() - 1, 0);
  shape.push_back(l.ir()[node.inputs[0]].shape.back().extent);
  l.node({"Reshape", "", {rows.output, l.integers("shape", shape)}, {l.output(node.output)}});
}

NodeAttributes epsilon_of(const ir::Node& node) {
  return {{"epsilon", static_cast<float>(node.attributes.real("epsilon"))}};
}

Result<void> lower_rms_norm(Lowering& l, const ir::Node& node) {
  const std::string weight = l.operand(node.inputs[1]);
  if (const ir::Node* add = l.is_of_whole_rows(node) ? l.fused_add(node.inputs[0]) : nullptr) {
    l.node({"SkipSimplifiedLayerNormalization",
            "com.microsoft",
            {l.operand(add->inputs[0]), l.operand(add->inputs[1]), weight},
            {l.output(node.output), "", "", l.output(add->output)},
            epsilon_of(node)});
    return {};
  }
  const Rows rows = open_rows(l, node);
  l.node(
      {"SimplifiedLayerNormalization", "", {rows.input, weight}, {rows.output}, epsilon_of(node)});
  close_rows(l, node, rows);
  return {};
}

Result<void> lower_layer_norm(Lowering& l, const ir::Node& node) {
  const Rows rows = open_rows(l, node);
  l.node({"LayerNormalization",
          "",
          {rows.input, l.operand(node.inputs[1]), l.operand(node.inputs[2])},
          {rows.output},
          epsilon_of(node)});
  close_rows(l, node, rows);
  return {};
}

Result<void> lower_l2_normalize(Lowering& l, const ir::Node& node) {
  l.node({"LpNormalization",
          "",
          {l.operand(node.inputs[0])},
          {l.output(node.output)},
          {{"axis", int64_t{-1}}, {"p", int64_t{2}}}});
  return {};
}

constexpr LoweringRow rows[] = {
    {ir::Op::rms_norm, lower_rms_norm},
    {ir::Op::layer_norm, lower_layer_norm},
    {ir::Op::l2_normalize, lower_l2_normalize},
};

}  // namespace

std::span<const LoweringRow> norm_lowerings() { return rows; }

}  // namespace qb::ort
