// What a GGUF says of its network, in the words of a Hugging Face config.json: each architecture
// has one reader (network/models/architectures.h).
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "network/weights/weight_file.h"

namespace qb::prepare {

// Errors: an architecture that isn't known; a field of it that is neither read nor at the value
// that changes nothing, by its name.
Result<Json> config_of_gguf(const weights::WeightFile& file);

}  // namespace qb::prepare
