#pragma once

#include "fuzz.h"
#include "network/text/tokenizer.h"

namespace qb::fuzz {

// Builds the tokenizer, if there is one, and cuts some texts.
void tokenize(const Result<text::Definition>& definition);

}  // namespace qb::fuzz
