// What an attention node says, with what it leaves open filled in.
#pragma once

#include <cstdint>
#include <vector>

#include "network/ir/attributes.h"

namespace qb::ir {

struct AttentionOptions {
  int64_t head_count = 0;
  int64_t kv_head_count = 0;
  int64_t head_dim = 0;
  bool causal = false;
};

// Rotary embedding, as the row of cached_attention tells it.
struct RotaryOptions {
  double theta = 0.0;  // 0: none
  int64_t dims = 0;    // that turn, of each head
  std::vector<double> factors;
  double magnitude = 1.0;

  // Of the pairs, theta^(-2i / dims) / factor_i: how far each turns from one position to the next.
  std::vector<double> frequencies() const;
  bool operator==(const RotaryOptions&) const = default;
};

struct CachedAttentionOptions {
  int64_t head_count = 0;
  int64_t kv_head_count = 0;
  int64_t head_dim = 0;
  RotaryOptions rotary = {};
  double scale = 0.0;         // 0: 1 / sqrt(head_dim)
  int64_t window_tokens = 0;  // 0: all
  double softcap = 0.0;       // 0: none
};

Attributes attributes_of(const AttentionOptions& options);
// What is the rule is left out.
Attributes attributes_of(const CachedAttentionOptions& options);

AttentionOptions attention_options(const Attributes& attributes);
// `rotary.dims` is 0 only without rotary embedding, `scale` never.
CachedAttentionOptions cached_attention_options(const Attributes& attributes);

}  // namespace qb::ir
