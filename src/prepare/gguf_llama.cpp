#include "prepare/gguf_llama.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/parallel.h"

namespace qb::prepare {
namespace {

struct NamePair {
  std::string_view ours;
  std::string_view gguf;
};
constexpr NamePair top_names[] = {{"model.embed_tokens.weight", "token_embd.weight"},
                                  {"model.norm.weight", "output_norm.weight"},
                                  {"lm_head.weight", "output.weight"}};
constexpr NamePair layer_names[] = {{"input_layernorm.weight", "attn_norm.weight"},
                                    {"self_attn.q_proj.weight", "attn_q.weight"},
                                    {"self_attn.k_proj.weight", "attn_k.weight"},
                                    {"self_attn.v_proj.weight", "attn_v.weight"},
                                    {"self_attn.o_proj.weight", "attn_output.weight"},
                                    {"post_attention_layernorm.weight", "ffn_norm.weight"},
                                    {"mlp.gate_proj.weight", "ffn_gate.weight"},
                                    {"mlp.up_proj.weight", "ffn_up.weight"},
                                    {"mlp.down_proj.weight", "ffn_down.weight"}};

// "model.layers.7.mlp.up_proj.weight" is "blk.7.ffn_up.weight".
Result<std::string> gguf_name(std::string_view ours) {
  for (const NamePair& pair : top_names)
    if (pair.ours == ours) return std::string(pair.gguf);
  constexpr std::string_view prefix = "model.layers.";
  const size_t dot = ours.find('.', prefix.size());
  if (ours.starts_with(prefix) && dot != std::string_view::npos)
    for (const NamePair& pair : layer_names)
      if (pair.ours == ours.substr(dot + 1))
        return fmt::format("blk.{}.{}", ours.substr(prefix.size(), dot - prefix.size()), pair.gguf);
  return fail(Errc::bad_input, "{} has no name in GGUF", ours);
}

// Row 2i + half of a head in GGUF is row half * head_dim / 2 + i of ours.
void restore_rotary_rows(std::span<float> weight, size_t head_count, size_t column_count) {
  const std::vector<float> from(weight.begin(), weight.end());
  const size_t head_dim = weight.size() / column_count / head_count;
  for (size_t head = 0; head < head_count; ++head)
    for (size_t half = 0; half < 2; ++half)
      for (size_t i = 0; i < head_dim / 2; ++i) {
        const size_t source = head * head_dim + 2 * i + half;
        const size_t target = head * head_dim + half * head_dim / 2 + i;
        std::copy_n(from.begin() + static_cast<long>(source * column_count), column_count,
                    weight.begin() + static_cast<long>(target * column_count));
      }
}

Result<int64_t> head_count_of(const weights::WeightFile& file, std::string_view parameter) {
  if (parameter.ends_with("q_proj.weight"))
    return file.metadata.get_int("llama.attention.head_count");
  if (parameter.ends_with("k_proj.weight"))
    return file.metadata.get_int("llama.attention.head_count_kv");
  return 0;
}

}  // namespace

bundle::ParameterSource gguf_llama_source(std::shared_ptr<const weights::WeightFile> file) {
  return [file = std::move(file)](const ir::ValueInfo& info, std::span<float> out) -> Result<void> {
    QB_TRY(const std::string name, gguf_name(info.name));
    const weights::StoredTensor* tensor = file->find(name);
    if (!tensor) return fail(Errc::bad_input, "the GGUF has no tensor {}", name);
    const std::vector<int64_t> shape = ir::bind(info.shape, {});
    if (tensor->shape != shape)
      return fail(Errc::bad_input, "tensor {} is [{}], the model wants {}", name,
                  fmt::join(tensor->shape, ", "), ir::to_string(info.shape));
    QB_CHECK(weights::decode_f32(*tensor, out, available_threads()));
    QB_TRY(const int64_t head_count, head_count_of(*file, info.name));
    if (head_count > 0)
      restore_rotary_rows(out, static_cast<size_t>(head_count), static_cast<size_t>(shape[1]));
    return {};
  };
}

Result<void> check_llama_metadata(const weights::WeightFile& file, const ir::Graph& graph) {
  const Json& metadata = file.metadata;
  if (metadata["general.architecture"].as_string() != "llama")
    return fail(Errc::unsupported, "general.architecture is \"{}\", llama is read",
                metadata["general.architecture"].as_string());
  QB_TRY(const double epsilon, metadata.get_double("llama.attention.layer_norm_rms_epsilon"));
  const double theta = metadata["llama.rope.freq_base"].as_double(10000.0);
  QB_TRY(const int64_t head_count, metadata.get_int("llama.attention.head_count"));
  QB_TRY(const int64_t kv_head_count, metadata.get_int("llama.attention.head_count_kv"));
  for (const ir::Node& node : graph.nodes) {
    const ir::Attributes& a = node.attributes;
    if (node.op == ir::Op::rms_norm && std::fabs(a.real("epsilon") - epsilon) > 1e-3 * epsilon)
      return fail(Errc::bad_input, "norm epsilon is {}, the model has {}", epsilon,
                  a.real("epsilon"));
    if (node.op == ir::Op::cached_attention &&
        (a.real("rope_theta") != theta || a.integer("head_count") != head_count ||
         a.integer("kv_head_count") != kv_head_count))
      return fail(Errc::bad_input, "rotary base {} and {}/{} heads are not the model's", theta,
                  head_count, kv_head_count);
  }
  return {};
}

Result<text::BpeDefinition> tokenizer_of(const weights::WeightFile& file) {
  if (file.metadata["tokenizer.ggml.model"].as_string() != "gpt2")
    return fail(Errc::unsupported, "tokenizer.ggml.model is \"{}\", gpt2 is read",
                file.metadata["tokenizer.ggml.model"].as_string());
  const auto tokens = file.text_arrays.find("tokenizer.ggml.tokens");
  const auto merges = file.text_arrays.find("tokenizer.ggml.merges");
  if (tokens == file.text_arrays.end() || merges == file.text_arrays.end())
    return fail(Errc::bad_input, "tokenizer.ggml.tokens or tokenizer.ggml.merges is missing");
  text::BpeDefinition definition = {.tokens = tokens->second, .merges = merges->second};
  QB_TRY(definition.split_patterns,
         text::split_patterns_of(file.metadata["tokenizer.ggml.pre"].as_string()));
  if (const auto types = file.integer_arrays.find("tokenizer.ggml.token_type");
      types != file.integer_arrays.end())
    for (size_t id = 0; id < types->second.size(); ++id)
      if (types->second[id] == 3 || types->second[id] == 4)  // control, user-defined
        definition.special_tokens.push_back(static_cast<int32_t>(id));
  return definition;
}

}  // namespace qb::prepare
