// cached_attention and rms_norm.
#include <cmath>
#include <cstring>

#include "engines/onnxruntime/lowering.h"

namespace qb::ort {
namespace {

constexpr const char* microsoft = "com.microsoft";

// cos or sin of position * theta^(-2i / head_dim), [context, head_dim / 2] (Su et al. 2021).
std::string rotary_table(Lowering& l, const char* hint, double (*wave)(double), int64_t head_dim,
                         double theta) {
  const int64_t half = head_dim / 2;
  const int64_t context = l.options().context_tokens;
  std::vector<std::byte>& kept = l.keep(static_cast<size_t>(context * half) * sizeof(float));
  auto* values = reinterpret_cast<float*>(kept.data());
  for (int64_t position = 0; position < context; ++position)
    for (int64_t i = 0; i < half; ++i)
      values[position * half + i] = static_cast<float>(
          wave(static_cast<double>(position) *
               std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim))));
  return l.initializer(hint, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, {context, half}, kept.data(),
                       kept.size());
}

}  // namespace

Result<void> lower_cached_attention(Lowering& l, const ir::Node& node) {
  const ir::Attributes& a = node.attributes;
  const double theta = a.real("rope_theta");
  const int64_t head_dim = a.integer("head_dim");
  const std::string& key_cache = l.ir()[node.inputs[3]].name;
  const std::string& value_cache = l.ir()[node.inputs[4]].name;
  std::vector<std::string> inputs;
  if (const auto linears = l.joint_projections(node); !linears.empty()) {
    QB_TRY(const std::string joint, lower_joint_projection(l, linears));
    inputs = {joint, "", ""};
  } else {
    for (size_t i = 0; i < 3; ++i) inputs.push_back(l.operand(node.inputs[i]));
  }
  inputs.insert(inputs.end(), {past_name(key_cache), past_name(value_cache), last_index_input,
                               total_tokens_input});
  if (theta > 0.0) {
    inputs.push_back(rotary_table(l, "cos", [](double x) { return std::cos(x); }, head_dim, theta));
    inputs.push_back(rotary_table(l, "sin", [](double x) { return std::sin(x); }, head_dim, theta));
  }
  l.node({"GroupQueryAttention",
          microsoft,
          std::move(inputs),
          {l.output(node.output), present_name(key_cache), present_name(value_cache)},
          {{"num_heads", a.integer("head_count")},
           {"kv_num_heads", a.integer("kv_head_count")},
           {"do_rotary", int64_t{theta > 0.0}},
           {"rotary_interleaved", int64_t{0}}}});
  return {};
}

Result<void> lower_rms_norm(Lowering& l, const ir::Node& node) {
  const NodeAttributes attributes = {
      {"epsilon", static_cast<float>(node.attributes.real("epsilon"))}};
  const std::string weight = l.operand(node.inputs[1]);
  const std::string output = l.output(node.output);
  if (const ir::Node* add = l.fused_add(node.inputs[0])) {
    l.node({"SkipSimplifiedLayerNormalization",
            microsoft,
            {l.operand(add->inputs[0]), l.operand(add->inputs[1]), weight},
            {output, "", "", l.output(add->output)},
            attributes});
    return {};
  }
  l.node({"SimplifiedLayerNormalization",
          "",
          {l.operand(node.inputs[0]), weight},
          {output},
          attributes});
  return {};
}

}  // namespace qb::ort
