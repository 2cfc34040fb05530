// Rotary embedding as a config.json tells it, in the form that transformers 5 writes and in that of
// the hub's older checkpoints.
#pragma once

#include "network/ir/attention.h"
#include "network/models/config.h"

namespace qb::models {

struct Rope {
  ir::RotaryOptions options;
  // Up to which the frequencies hold; 0: as far as the model's context goes. (Beyond, "longrope"
  // has others for all positions at once, which a cache that is already filled can't follow.)
  int64_t context_tokens = 0;
};

// Of config's rope_parameters, or the older rope_theta, rope_scaling and partial_rotary_factor.
// What isn't followed is refused by its name.
// `rotated_share` of a head turns where the config doesn't say.
Rope read_rope(Config& config, int64_t head_dim, double rotated_share = 1.0);

// Of one kind of layers, where each has its own: `scaling` is null for none.
Rope rope_of(Config& config, const Json& scaling, double theta, int64_t rotary_dims);

}  // namespace qb::models
