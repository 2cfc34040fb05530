#include "measurement/prepare/gguf_names.h"

#include <algorithm>
#include <span>

namespace qb::prepare {
namespace {

struct NameRow {
  std::string_view ours;
  std::string_view gguf;
  std::string_view architecture = {};  // empty: any that no row before this one is of
};
constexpr NameRow top_rows[] = {{"model.embed_tokens", "token_embd"},
                                {"model.norm", "output_norm"},
                                {"model.final_layernorm", "output_norm"},
                                {"lm_head", "output"}};
constexpr NameRow layer_rows[] = {{"input_layernorm", "attn_norm"},
                                  {"self_attn.q_proj", "attn_q"},
                                  {"self_attn.k_proj", "attn_k"},
                                  {"self_attn.v_proj", "attn_v"},
                                  {"self_attn.qkv_proj", "attn_qkv"},
                                  {"self_attn.q_norm", "attn_q_norm"},
                                  {"self_attn.k_norm", "attn_k_norm"},
                                  {"self_attn.o_proj", "attn_output"},
                                  {"self_attn.dense", "attn_output"},
                                  {"post_attention_layernorm", "post_attention_norm", "gemma3"},
                                  {"post_attention_layernorm", "ffn_norm"},
                                  {"pre_feedforward_layernorm", "ffn_norm"},
                                  {"post_feedforward_layernorm", "post_ffw_norm"},
                                  {"mlp.gate_proj", "ffn_gate"},
                                  {"mlp.up_proj", "ffn_up"},
                                  {"mlp.down_proj", "ffn_down"},
                                  {"mlp.gate_up_proj", "ffn_up"},
                                  {"mlp.fc1", "ffn_up"},
                                  {"mlp.fc2", "ffn_down"}};

std::string_view find_name(std::span<const NameRow> rows, std::string_view architecture,
                           std::string_view ours) {
  const auto row = std::ranges::find_if(rows, [&](const NameRow& r) {
    return r.ours == ours && (r.architecture.empty() || r.architecture == architecture);
  });
  return row == rows.end() ? std::string_view() : row->gguf;
}

}  // namespace

Result<std::string> gguf_name(std::string_view architecture, std::string_view tensor) {
  constexpr std::string_view prefix = "model.layers.";
  const size_t end = tensor.rfind('.');  // of the module; then weight or bias
  const std::string_view module = tensor.substr(0, end);
  if (end == std::string_view::npos)
    return fail(Errc::unsupported, "{} has no name in GGUF", tensor);
  if (const auto name = find_name(top_rows, architecture, module); !name.empty())
    return fmt::format("{}{}", name, tensor.substr(end));
  const size_t dot = tensor.find('.', prefix.size());
  if (tensor.starts_with(prefix) && dot < end)
    if (const auto name = find_name(layer_rows, architecture, module.substr(dot + 1));
        !name.empty())
      return fmt::format("blk.{}.{}{}", tensor.substr(prefix.size(), dot - prefix.size()), name,
                         tensor.substr(end));
  return fail(Errc::unsupported, "{} has no name in GGUF", tensor);
}

}  // namespace qb::prepare
