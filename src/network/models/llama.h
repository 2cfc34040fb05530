// Llama-family decoders: RMSNorm, rotary grouped-query attention with a KV cache, SwiGLU.
// (Touvron et al. 2023; SmolLM2, Mistral, Qwen2, Qwen3 and Phi-3 are configurations of it.)
#pragma once

#include "network/models/decoder.h"

namespace qb::models {

struct LlamaConfig {
  DecoderSizes sizes;
  ir::RotaryOptions rotary = {.theta = 10000.0};  // dims 0: the whole head
  double rms_norm_eps = 1e-5;
  bool tied_head = false;  // the head is the embedding table
  bool qkv_biases = false;
  bool output_bias = false;  // of attention
  bool ffn_biases = false;
  bool qk_norms = false;
  std::vector<int64_t> windows = {};  // see layer_windows
};

Result<ir::Graph> build_llama(const LlamaConfig& config);

// The fields that the family shares, and the model.
LlamaConfig read_llama_config(Config& config, int64_t default_head_dim = 0);
Result<Model> llama_model(const LlamaConfig& config, const Config& read);

}  // namespace qb::models
