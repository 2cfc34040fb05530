// The zoo's networks of pictures beside the EfficientNets. Their weights are synthetic, at the true
// shapes: no package registry has real ones.
#pragma once

#include <vector>

#include "network/models/models.h"

namespace qb::models {

std::vector<Model> vision_models();

}  // namespace qb::models
