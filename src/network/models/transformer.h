// The block of transformers that normalise first (ViT, CLIP's two towers): x + attention(norm(x)),
// then x + feed_forward(norm(x)).
#pragma once

#include <cstdint>
#include <string>

#include "network/ir/builder.h"
#include "network/models/activation.h"
#include "network/models/config.h"

namespace qb::models {

struct TransformerSizes {
  int64_t layer_count = 0;
  int64_t width = 0;
  int64_t ffn_width = 0;
  int64_t head_count = 0;
  double layer_norm_eps = 0.0;
  Activation activation = Activation::gelu;
  bool is_causal = false;
  bool qkv_biases = true;
};

// How the parameters of a block are called, after its prefix.
struct TransformerNames {
  const char *first_norm, *q, *k, *v, *output, *second_norm, *widening, *narrowing;
};

// Of a config.json of transformers. Errors: heads that can't share the width, too many layers.
void check_sizes(Config& config, const TransformerSizes& sizes);

ir::Value transformer_block(ir::Builder& b, ir::Value x, const TransformerSizes& sizes,
                            const TransformerNames& names, const std::string& prefix);

}  // namespace qb::models
