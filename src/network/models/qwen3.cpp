// Qwen3 (Yang et al. 2025): Llama whose queries and keys are normalised head by head.
#include "network/models/architectures.h"
#include "network/models/llama.h"

namespace qb::models {

Result<Model> read_qwen3(Config c) {
  LlamaConfig config = read_llama_config(c, 128);
  config.qk_norms = true;
  config.qkv_biases = config.output_bias = c.flag("attention_bias", false);
  config.windows = qwen_windows(c, config.sizes.layer_count);
  return llama_model(config, c);
}

}  // namespace qb::models
