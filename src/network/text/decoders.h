// How tokens become text again: the field "decoder" of a tokenizer.json.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace qb::text {

using Decoder = std::function<std::vector<std::string>(std::vector<std::string>)>;

// Error: a kind or a field that isn't followed, by its name.
Result<std::vector<Decoder>> make_decoders(const Json& object);

// The text of tokens; without a decoder they stand apart.
std::string join_tokens(const std::vector<Decoder>& decoders, std::vector<std::string> tokens);

}  // namespace qb::text
