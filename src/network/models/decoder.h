// What decoders of text share: the sizes in their configurations, and the blocks that an
// architecture's file puts together. Parameters are named as on the Hugging Face hub.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "network/ir/builder.h"
#include "network/models/config.h"
#include "network/models/models.h"
#include "network/models/rope.h"

namespace qb::models {

struct DecoderSizes {
  std::string name;
  int64_t layer_count = 0;
  int64_t width = 0;      // hidden size
  int64_t ffn_width = 0;  // intermediate size
  int64_t head_count = 0;
  int64_t kv_head_count = 0;
  int64_t head_dim = 0;
  int64_t vocabulary_size = 0;
  int64_t context_tokens = 0;  // that it was trained for
};
// Absent: as many heads of keys and values as others, and heads that make up the width.
// `default_head_dim` has another default.
DecoderSizes read_sizes(Config& config, int64_t default_head_dim = 0);

// The tokens that each layer sees, 0 for all; empty: all layers all. Where layer_types is there it
// tells the layers that have `window_tokens`, otherwise `is_windowed` does.
std::vector<int64_t> layer_windows(Config& config, int64_t layer_count, int64_t window_tokens,
                                   bool (*is_windowed)(const Config& config, int64_t layer));

// What the graphs take: tokens i64 [batch, sequence]; positions i64 [selected], whose logits are
// wanted. Output: logits [batch, selected, vocabulary].
struct DecoderInputs {
  ir::Value tokens, positions;
};
DecoderInputs decoder_inputs(ir::Builder& b);

// The product with `prefix`.weight [out, in], and with `prefix`.bias where there is one.
ir::Value project(ir::Builder& b, ir::Value x, const std::string& prefix, int64_t out, int64_t in,
                  bool has_bias = false);

struct AttentionBlock {
  int64_t width = 0;
  ir::CachedAttentionOptions heads;
  bool qkv_biases = false;
  bool output_bias = false;
  const char* output = "o_proj";
  double qk_norm_eps = 0.0;  // above 0: q_norm and k_norm of each head, before it is rotated
};
// `prefix`.q_proj, k_proj, v_proj and the output's.
ir::Value attend(ir::Builder& b, ir::Value x, const AttentionBlock& block,
                 const std::string& prefix);

}  // namespace qb::models
