#include "measurement/prepare/gguf_names.h"

#include <algorithm>
#include <span>

namespace qb::prepare {
namespace {

struct NameRow {
  std::string_view ours;
  std::string_view gguf;
};
constexpr NameRow top_rows[] = {
    {"model.embed_tokens", "token_embd"}, {"model.norm", "output_norm"}, {"lm_head", "output"}};
constexpr NameRow layer_rows[] = {
    {"input_layernorm", "attn_norm"},    {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},      {"self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "attn_output"}, {"post_attention_layernorm", "ffn_norm"},
    {"mlp.gate_proj", "ffn_gate"},       {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"}};

std::string_view find_name(std::span<const NameRow> rows, std::string_view ours) {
  const auto row = std::ranges::find(rows, ours, &NameRow::ours);
  return row == rows.end() ? std::string_view() : row->gguf;
}

}  // namespace

Result<std::string> gguf_name([[maybe_unused]] std::string_view architecture,
                              std::string_view tensor) {
  constexpr std::string_view prefix = "model.layers.";
  const size_t end = tensor.rfind('.');  // of the module; then weight or bias
  const std::string_view module = tensor.substr(0, end);
  if (end == std::string_view::npos)
    return fail(Errc::unsupported, "{} has no name in GGUF", tensor);
  if (const auto name = find_name(top_rows, module); !name.empty())
    return fmt::format("{}{}", name, tensor.substr(end));
  const size_t dot = tensor.find('.', prefix.size());
  if (tensor.starts_with(prefix) && dot < end)
    if (const auto name = find_name(layer_rows, module.substr(dot + 1)); !name.empty())
      return fmt::format("blk.{}.{}{}", tensor.substr(prefix.size(), dot - prefix.size()), name,
                         tensor.substr(end));
  return fail(Errc::unsupported, "{} has no name in GGUF", tensor);
}

}  // namespace qb::prepare
