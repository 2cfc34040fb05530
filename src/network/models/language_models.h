// Rows of the zoo: language models of the hub.
#pragma once

#include <vector>

#include "network/models/models.h"

namespace qb::models {

std::vector<Model> language_models();

}  // namespace qb::models
