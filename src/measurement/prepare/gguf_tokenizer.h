// The tokenizer that a GGUF file carries, in tokenizer.json's words.
#pragma once

#include "base/result.h"
#include "network/text/definition.h"
#include "network/weights/weight_file.h"

namespace qb::prepare {

// Errors: unsupported, a tokenizer.* field that changes how text is cut.
Result<text::Definition> tokenizer_of(const weights::WeightFile& file);

}  // namespace qb::prepare
