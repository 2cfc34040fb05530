// Operators that are one or two ONNX nodes.
#include <cstring>

#include "engines/onnxruntime/lowering.h"

namespace qb::ort {
namespace {

std::vector<std::string> operands(Lowering& l, const ir::Node& node) {
  std::vector<std::string> names;
  for (const ir::Value input : node.inputs) names.push_back(l.operand(input));
  return names;
}

Result<void> one_node(Lowering& l, const ir::Node& node, std::string op) {
  l.node({std::move(op), "", operands(l, node), {l.operand(node.output)}});
  return {};
}

std::string scalar(Lowering& l, float value) {
  std::vector<std::byte>& kept = l.keep(sizeof value);
  std::memcpy(kept.data(), &value, sizeof value);
  return l.initializer("scalar", ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, {}, kept.data(),
                       sizeof value);
}

}  // namespace

Result<void> lower_add(Lowering& l, const ir::Node& node) {
  if (l.is_fused(node)) return {};  // lower_rms_norm gives its value too
  return one_node(l, node, "Add");
}
Result<void> lower_multiply(Lowering& l, const ir::Node& node) { return one_node(l, node, "Mul"); }
Result<void> lower_sigmoid(Lowering& l, const ir::Node& node) {
  return one_node(l, node, "Sigmoid");
}
Result<void> lower_global_average_pool(Lowering& l, const ir::Node& node) {
  return one_node(l, node, "GlobalAveragePool");
}
Result<void> lower_flatten(Lowering& l, const ir::Node& node) {
  return one_node(l, node, "Flatten");
}

// QuickGelu with alpha 1 is x * sigmoid(x).
Result<void> lower_silu(Lowering& l, const ir::Node& node) {
  l.node({"QuickGelu",
          "com.microsoft",
          operands(l, node),
          {l.operand(node.output)},
          {{"alpha", 1.0f}}});
  return {};
}

Result<void> lower_relu6(Lowering& l, const ir::Node& node) {
  l.node({"Clip",
          "",
          {l.operand(node.inputs[0]), scalar(l, 0.0f), scalar(l, 6.0f)},
          {l.operand(node.output)}});
  return {};
}

Result<void> lower_select_positions(Lowering& l, const ir::Node& node) {
  l.node({"Gather", "", operands(l, node), {l.operand(node.output)}, {{"axis", int64_t{1}}}});
  return {};
}

}  // namespace qb::ort
