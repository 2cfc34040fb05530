// timm's config.json, which names an architecture ("resnet50") where those of transformers name a
// class.
#pragma once

#include <string>

#include "network/models/config.h"
#include "network/models/models.h"

namespace qb::models {

// Errors: an architecture that isn't known, by its name; a field that is wrong or isn't followed.
Result<Model> read_timm(const Json& config);
// How the names of those begin that are.
std::string known_of_timm();

}  // namespace qb::models
