// Rotary embedding as a config.json tells it, in the form that transformers 5 writes and in that of
// the hub's older checkpoints.
#pragma once

#include "network/models/config.h"

namespace qb::models {

// The base. Scaled frequencies are refused by their name.
double rope_theta_of(Config& config);

}  // namespace qb::models
