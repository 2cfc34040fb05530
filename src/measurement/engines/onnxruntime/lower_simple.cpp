// Operators that are one or two ONNX nodes.
#include <algorithm>
#include <cstring>

#include "measurement/engines/onnxruntime/lowering.h"

namespace qb::ort {
namespace {

std::vector<std::string> operands(Lowering& l, const ir::Node& node) {
  std::vector<std::string> names;
  for (const ir::Value input : node.inputs) names.push_back(l.operand(input));
  return names;
}

Result<void> one_node(Lowering& l, const ir::Node& node, std::string op) {
  l.node({std::move(op), "", operands(l, node), {l.output(node.output)}});
  return {};
}

std::string scalar(Lowering& l, float value) {
  const std::span<std::byte> kept = l.keep(sizeof value);
  std::memcpy(kept.data(), &value, sizeof value);
  return l.initializer("scalar", ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, {}, kept.data(),
                       sizeof value);
}

bool is_measured(const Lowering& l, ir::Value value) {
  return l.rounding(value).mode == quant::Activations::measured;
}

bool all_measured(const Lowering& l, const ir::Node& node, ir::Value target) {
  return is_measured(l, target) &&
         std::ranges::all_of(node.inputs, [&](ir::Value input) { return is_measured(l, input); });
}

Result<void> lower_add(Lowering& l, const ir::Node& node) {
  if (l.is_fused(node)) return {};  // lower_rms_norm gives its value too
  if (all_measured(l, node, l.rectified(node.output))) return lower_integer_add(l, node);
  return one_node(l, node, "Add");
}
Result<void> lower_multiply(Lowering& l, const ir::Node& node) { return one_node(l, node, "Mul"); }
Result<void> lower_sigmoid(Lowering& l, const ir::Node& node) {
  return one_node(l, node, "Sigmoid");
}
Result<void> lower_global_average_pool(Lowering& l, const ir::Node& node) {
  if (all_measured(l, node, node.output)) return lower_integer_average_pool(l, node);
  return one_node(l, node, "GlobalAveragePool");
}
Result<void> lower_flatten(Lowering& l, const ir::Node& node) {
  if (!is_measured(l, node.inputs[0])) return one_node(l, node, "Flatten");
  const Codes from = l.measured_codes(node.inputs[0]);
  l.node({"Flatten", "", {from.codes}, {l.claim_codes(node.output).codes}});
  return {};
}

// QuickGelu with alpha 1 is x * sigmoid(x).
Result<void> lower_silu(Lowering& l, const ir::Node& node) {
  l.node({"QuickGelu",
          "com.microsoft",
          operands(l, node),
          {l.output(node.output)},
          {{"alpha", 1.0f}}});
  return {};
}

Result<void> lower_relu6(Lowering& l, const ir::Node& node) {
  if (l.has_codes(node.output)) return {};  // what is before it saturates where it clips
  l.node({"Clip",
          "",
          {l.operand(node.inputs[0]), scalar(l, 0.0f), scalar(l, 6.0f)},
          {l.output(node.output)}});
  return {};
}

Result<void> lower_relu(Lowering& l, const ir::Node& node) {
  if (l.has_codes(node.output)) return {};  // what is before it saturates where it clips
  return one_node(l, node, "Relu");
}
Result<void> lower_tanh(Lowering& l, const ir::Node& node) { return one_node(l, node, "Tanh"); }
Result<void> lower_gelu(Lowering& l, const ir::Node& node) { return one_node(l, node, "Gelu"); }
Result<void> lower_hard_swish(Lowering& l, const ir::Node& node) {
  return one_node(l, node, "HardSwish");
}

Result<void> lower_gelu_tanh(Lowering& l, const ir::Node& node) {
  l.node({"Gelu",
          "",
          operands(l, node),
          {l.output(node.output)},
          {{"approximate", std::string("tanh")}}});
  return {};
}

Result<void> lower_hard_sigmoid(Lowering& l, const ir::Node& node) {
  l.node({"HardSigmoid",
          "",
          operands(l, node),
          {l.output(node.output)},
          {{"alpha", 1.0f / 6.0f}, {"beta", 0.5f}}});
  return {};
}

Result<void> lower_scale(Lowering& l, const ir::Node& node) {
  const auto factor = static_cast<float>(node.attributes.real("factor"));
  l.node({"Mul", "", {l.operand(node.inputs[0]), scalar(l, factor)}, {l.output(node.output)}});
  return {};
}

Result<void> lower_max_pool(Lowering& l, const ir::Node& node) {
  const auto list = [&](const char* name) {
    const auto values = node.attributes.integers(name);
    return std::vector<int64_t>(values.begin(), values.end());
  };
  l.node(
      {"MaxPool",
       "",
       operands(l, node),
       {l.output(node.output)},
       {{"kernel_shape", list("kernel")}, {"strides", list("stride")}, {"pads", list("padding")}}});
  return {};
}

constexpr LoweringRow rows[] = {
    {ir::Op::add, lower_add},
    {ir::Op::multiply, lower_multiply},
    {ir::Op::sigmoid, lower_sigmoid},
    {ir::Op::global_average_pool, lower_global_average_pool},
    {ir::Op::flatten, lower_flatten},
    {ir::Op::silu, lower_silu},
    {ir::Op::relu6, lower_relu6},
    {ir::Op::relu, lower_relu},
    {ir::Op::tanh, lower_tanh},
    {ir::Op::gelu, lower_gelu},
    {ir::Op::gelu_tanh, lower_gelu_tanh},
    {ir::Op::hard_swish, lower_hard_swish},
    {ir::Op::hard_sigmoid, lower_hard_sigmoid},
    {ir::Op::scale, lower_scale},
    {ir::Op::max_pool, lower_max_pool},
};

}  // namespace

std::span<const LoweringRow> simple_lowerings() { return rows; }

}  // namespace qb::ort
