// Llama-family decoders: RMSNorm, rotary grouped-query attention with a KV cache, SwiGLU.
// (Touvron et al. 2023; Mistral and SmolLM2 are configurations of it.)
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "network/ir/graph.h"

namespace qb::models {

struct LlamaConfig {
  std::string name;
  int64_t layer_count = 0;
  int64_t width = 0;      // hidden size
  int64_t ffn_width = 0;  // intermediate size
  int64_t head_count = 0;
  int64_t kv_head_count = 0;
  int64_t head_dim = 0;
  int64_t vocabulary_size = 0;
  int64_t context_tokens = 0;  // that it was trained for
  double rope_theta = 10000.0;
  double rms_norm_eps = 1e-5;
  bool tied_head = false;  // the head is the embedding table
  bool attention_biases = false;
  bool ffn_biases = false;
};

// Inputs: tokens i64 [batch, sequence]; positions i64 [selected], whose logits are wanted.
// Output: logits [batch, selected, vocabulary]. Parameters are named as on the Hugging Face hub.
Result<ir::Graph> build_llama(const LlamaConfig& config);

}  // namespace qb::models
