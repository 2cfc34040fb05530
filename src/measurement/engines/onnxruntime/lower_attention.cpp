// cached_attention, attention and rms_norm.
#include "measurement/engines/onnxruntime/lowering.h"
#include "measurement/lowering/rotary.h"

namespace qb::ort {
namespace {

constexpr const char* microsoft = "com.microsoft";

struct Heads {
  int64_t query = 0, kv = 0, dim = 0;
};

std::string add_table(Lowering& l, const char* hint, std::span<const float> values,
                      int64_t head_dim) {
  return l.constant(hint, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
                    {l.options().context_tokens, head_dim / 2}, values);
}

// Keys or values [batch, tokens, kv heads * dim], each head as often as queries share it: the
// operator takes as many as there are queries.
std::string spread_heads(Lowering& l, const std::string& x, const Heads& heads) {
  if (heads.kv == heads.query) return x;
  const std::string split = l.fresh(x);
  const std::string spread = l.fresh(x);
  const std::string joined = l.fresh(x);
  l.node({"Reshape", "", {x, l.integers("shape", {0, 0, heads.kv, 1, heads.dim})}, {split}});
  l.node(
      {"Expand", "", {split, l.integers("shape", {1, 1, 1, heads.query / heads.kv, 1})}, {spread}});
  l.node({"Reshape", "", {spread, l.integers("shape", {0, 0, heads.query * heads.dim})}, {joined}});
  return joined;
}

Result<void> lower_attention(Lowering& l, const ir::Node& node) {
  const ir::Attributes& a = node.attributes;
  const Heads heads = {a.integer("head_count"), a.integer("kv_head_count"), a.integer("head_dim")};
  l.node({"MultiHeadAttention",
          microsoft,
          {l.operand(node.inputs[0]), spread_heads(l, l.operand(node.inputs[1]), heads),
           spread_heads(l, l.operand(node.inputs[2]), heads)},
          {l.output(node.output)},
          {{"num_heads", heads.query}, {"unidirectional", a.integer("causal")}}});
  return {};
}

Result<void> lower_cached_attention(Lowering& l, const ir::Node& node) {
  const ir::Attributes& a = node.attributes;
  const double theta = a.real("rope_theta");
  const int64_t head_dim = a.integer("head_dim");
  const std::string& key_cache = l.ir()[node.inputs[3]].name;
  const std::string& value_cache = l.ir()[node.inputs[4]].name;
  std::vector<std::string> inputs;
  const ir::Node* first = l.ir().producer_of(node.inputs[0]);
  const lowering::Join join = first ? l.transformations().joined_with(*first) : lowering::Join();
  if (l.is_projection(join)) {
    inputs = {l.joint_name(*join[0]), "", ""};
  } else {
    for (size_t i = 0; i < 3; ++i) inputs.push_back(l.operand(node.inputs[i]));
  }
  inputs.insert(inputs.end(), {past_name(key_cache), past_name(value_cache), last_index_input,
                               total_tokens_input});
  if (theta > 0.0) {
    const lowering::RotaryTables tables =
        lowering::rotary_tables(l.options().context_tokens, head_dim, theta);
    inputs.push_back(add_table(l, "cos", tables.cosines, head_dim));
    inputs.push_back(add_table(l, "sin", tables.sines, head_dim));
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

constexpr LoweringRow rows[] = {
    {ir::Op::attention, lower_attention},
    {ir::Op::cached_attention, lower_cached_attention},
    {ir::Op::rms_norm, lower_rms_norm},
};

}  // namespace

std::span<const LoweringRow> attention_lowerings() { return rows; }

}  // namespace qb::ort
