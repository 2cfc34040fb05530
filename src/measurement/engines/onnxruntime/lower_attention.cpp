// cached_attention and attention.
#include "measurement/engines/onnxruntime/lowering.h"
#include "measurement/lowering/rotary.h"

namespace qb::ort {
namespace {

constexpr const char* microsoft = "com.microsoft";

std::string add_table(Lowering& l, const char* hint, std::span<const float> values,
                      int64_t pair_count) {
  return l.constant(hint, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
                    {l.options().context_tokens, pair_count}, values);
}

// Keys or values [batch, tokens, kv heads * dim], each head as often as queries share it: the
// operator takes as many as there are queries.
std::string spread_heads(Lowering& l, const std::string& x, const ir::AttentionOptions& heads) {
  if (heads.kv_head_count == heads.head_count) return x;
  const std::string split = l.fresh(x);
  const std::string spread = l.fresh(x);
  const std::string joined = l.fresh(x);
  l.node({"Reshape",
          "",
          {x, l.integers("shape", {0, 0, heads.kv_head_count, 1, heads.head_dim})},
          {split}});
  l.node({"Expand",
          "",
          {split, l.integers("shape", {1, 1, 1, heads.head_count / heads.kv_head_count, 1})},
          {spread}});
  l.node({"Reshape",
          "",
          {spread, l.integers("shape", {0, 0, heads.head_count * heads.head_dim})},
          {joined}});
  return joined;
}

// The operator's mask has 32 bits.
std::string narrow_mask(Lowering& l, ir::Value mask) {
  const std::string narrowed = l.fresh(l.operand(mask));
  l.node({"Cast",
          "",
          {l.operand(mask)},
          {narrowed},
          {{"to", int64_t{ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32}}}});
  return narrowed;
}

Result<void> lower_attention(Lowering& l, const ir::Node& node) {
  const ir::AttentionOptions heads = ir::attention_options(node.attributes);
  std::vector<std::string> inputs = {l.operand(node.inputs[0]),
                                     spread_heads(l, l.operand(node.inputs[1]), heads),
                                     spread_heads(l, l.operand(node.inputs[2]), heads)};
  if (node.inputs.size() > 3) inputs.insert(inputs.end(), {"", narrow_mask(l, node.inputs[3])});
  l.node({"MultiHeadAttention",
          microsoft,
          std::move(inputs),
          {l.output(node.output)},
          {{"num_heads", heads.head_count}, {"unidirectional", int64_t{heads.causal}}}});
  return {};
}

struct RotaryNames {
  std::string cosines, sines;
};

RotaryNames add_tables(Lowering& l, const ir::RotaryOptions& rotary) {
  const lowering::RotaryTables tables = lowering::rotary_tables(l.options().context_tokens, rotary);
  return {add_table(l, "cos", tables.cosines, rotary.dims / 2),
          add_table(l, "sin", tables.sines, rotary.dims / 2)};
}

// int64 [1]: how many tokens the caches hold before this step, whose tokens x has.
std::string past_tokens(Lowering& l, const std::string& x) {
  const std::string count = l.fresh("token_count");
  const std::string total = l.fresh("total_tokens");
  const std::string past = l.fresh("past_tokens");
  l.node({"Shape", "", {x}, {count}, {{"start", int64_t{1}}, {"end", int64_t{2}}}});
  l.node({"Cast",
          "",
          {total_tokens_input},
          {total},
          {{"to", int64_t{ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64}}}});
  l.node({"Sub", "", {total, count}, {past}});
  return past;
}

// q or k turned by an operator of its own.
std::string turn(Lowering& l, const std::string& x, int64_t head_count, const std::string& past,
                 const RotaryNames& tables, int64_t dims) {
  const std::string turned = l.fresh(x);
  l.node({"RotaryEmbedding",
          microsoft,
          {x, past, tables.cosines, tables.sines},
          {turned},
          {{"num_heads", head_count}, {"rotary_embedding_dim", dims}}});
  return turned;
}

// What the operator attends with: q, k and v, which it turns itself where it can.
std::vector<std::string> add_projections(Lowering& l, const ir::Node& node,
                                         const ir::CachedAttentionOptions& a) {
  const ir::Node* first = l.ir().producer_of(node.inputs[0]);
  const lowering::Join join = first ? l.transformations().joined_with(*first) : lowering::Join();
  if (l.is_projection(join)) return {l.joint_name(*join[0]), "", ""};
  std::vector<std::string> inputs;
  for (size_t i = 0; i < 3; ++i) inputs.push_back(l.operand(node.inputs[i]));
  if (turns_itself(a.rotary)) return inputs;
  const RotaryNames tables = add_tables(l, a.rotary);
  const std::string past = past_tokens(l, inputs[0]);
  inputs[0] = turn(l, inputs[0], a.head_count, past, tables, a.rotary.dims);
  inputs[1] = turn(l, inputs[1], a.kv_head_count, past, tables, a.rotary.dims);
  return inputs;
}

Result<void> lower_cached_attention(Lowering& l, const ir::Node& node) {
  const ir::CachedAttentionOptions a = ir::cached_attention_options(node.attributes);
  if (a.head_dim % 8 != 0)
    return fail(Errc::unsupported,
                "GroupQueryAttention takes heads of a multiple of 8 values, not of {}", a.head_dim);
  const bool is_rotary = a.rotary.dims > 0 && turns_itself(a.rotary);
  const std::string& key_cache = l.ir()[node.inputs[3]].name;
  const std::string& value_cache = l.ir()[node.inputs[4]].name;
  std::vector<std::string> inputs = add_projections(l, node, a);
  inputs.insert(inputs.end(), {past_name(key_cache), past_name(value_cache), last_index_input,
                               total_tokens_input});
  if (is_rotary) {
    const RotaryNames tables = add_tables(l, a.rotary);
    inputs.insert(inputs.end(), {tables.cosines, tables.sines});
  }
  NodeAttributes attributes = {{"num_heads", a.head_count},
                               {"kv_num_heads", a.kv_head_count},
                               {"do_rotary", int64_t{is_rotary}},
                               {"rotary_interleaved", int64_t{0}},
                               {"scale", static_cast<float>(a.scale)}};
  if (a.window_tokens > 0) attributes.emplace_back("local_window_size", a.window_tokens);
  if (a.softcap > 0.0) attributes.emplace_back("softcap", static_cast<float>(a.softcap));
  l.node({"GroupQueryAttention",
          microsoft,
          std::move(inputs),
          {l.output(node.output), present_name(key_cache), present_name(value_cache)},
          std::move(attributes)});
  return {};
}

constexpr LoweringRow rows[] = {
    {ir::Op::attention, lower_attention},
    {ir::Op::cached_attention, lower_cached_attention},
};

}  // namespace

std::span<const LoweringRow> attention_lowerings() { return rows; }

}  // namespace qb::ort
