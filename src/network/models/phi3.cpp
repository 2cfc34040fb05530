// Phi-3 (Abdin et al. 2024): Llama whose files have queries, keys and values as the rows of one
// tensor, and gate and up as those of another. Phi-4-mini is one too.
#include "network/models/architectures.h"
#include "network/models/llama.h"

namespace qb::models {
namespace {

void add_parts(Model& model, const std::string& prefix, const std::string& fused,
               std::initializer_list<std::pair<std::string, int64_t>> parts) {
  int64_t row = 0;
  for (const auto& [part, row_count] : parts) {
    model.origins[fmt::format("{}.{}.weight", prefix, part)] = {
        .tensor = fmt::format("{}.{}.weight", prefix, fused), .first_row = row};
    row += row_count;
  }
}

}  // namespace

Result<Model> read_phi3(Config c) {
  LlamaConfig config = read_llama_config(c);
  const DecoderSizes& sizes = config.sizes;
  if (!c["sliding_window"].is_null())
    config.windows = layer_windows(c, sizes.layer_count, c.size("sliding_window"),
                                   [](const Config&, int64_t) { return true; });
  c.expect("attention_bias", false);
  QB_TRY(Model model, llama_model(config, c));
  const int64_t q_width = sizes.head_count * sizes.head_dim;
  const int64_t kv_width = sizes.kv_head_count * sizes.head_dim;
  for (int64_t i = 0; i < sizes.layer_count; ++i) {
    const std::string layer = fmt::format("model.layers.{}.", i);
    add_parts(model, layer + "self_attn", "qkv_proj",
              {{"q_proj", q_width}, {"k_proj", kv_width}, {"v_proj", kv_width}});
    add_parts(model, layer + "mlp", "gate_up_proj",
              {{"gate_proj", sizes.ffn_width}, {"up_proj", sizes.ffn_width}});
  }
  return model;
}

}  // namespace qb::models
