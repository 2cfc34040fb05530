// Qwen2 (Yang et al. 2024): Llama with biases on queries, keys and values.
#include "network/models/architectures.h"
#include "network/models/llama.h"

namespace qb::models {

std::vector<int64_t> qwen_windows(Config& c, int64_t layer_count) {
  if (!c.flag("use_sliding_window", false) || c["sliding_window"].is_null()) return {};
  return layer_windows(c, layer_count, c.size("sliding_window"),
                       [](const Config& config, int64_t layer) {
                         return layer >= config["max_window_layers"].as_int(28);
                       });
}

Result<Model> read_qwen2(Config c) {
  LlamaConfig config = read_llama_config(c);
  config.qkv_biases = true;
  config.windows = qwen_windows(c, config.sizes.layer_count);
  return llama_model(config, c);
}

}  // namespace qb::models
