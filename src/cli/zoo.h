// The models of the zoo as a listing tells of them.
#pragma once

#include <string>

#include "network/models/models.h"

namespace qb::cli {

// Whether its weights are here, and what brings them.
std::string weights_state(const models::Model& model);

}  // namespace qb::cli
