// The tokenizer that a GGUF carries.
#pragma once

#include "network/text/tokenizer.h"
#include "network/weights/weight_file.h"

namespace qb::prepare {

// Errors: unsupported, a tokenizer.* field that changes how text is cut.
Result<text::BpeDefinition> tokenizer_of(const weights::WeightFile& file);

}  // namespace qb::prepare
