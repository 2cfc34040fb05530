// Mistral (Jiang et al. 2023): Llama whose tokens see a window of those before them.
#include "network/models/architectures.h"
#include "network/models/llama.h"

namespace qb::models {

Result<Model> read_mistral(Config c) {
  LlamaConfig config = read_llama_config(c);
  if (!c.contains("sliding_window") || !c["sliding_window"].is_null())
    config.windows = layer_windows(c, config.sizes.layer_count, c.size("sliding_window", 4096),
                                   [](const Config&, int64_t) { return true; });
  return llama_model(config, c);
}

}  // namespace qb::models
