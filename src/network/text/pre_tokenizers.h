// How a tokenizer cuts a text before its model sees the pieces: the field "pre_tokenizer" of a
// tokenizer.json.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace qb::text {

struct Piece {
  std::string text;       // never empty
  bool is_first = false;  // it begins where the whole text does
};

using PreTokenizer = std::function<Result<std::vector<Piece>>(std::vector<Piece>)>;

// Error: a kind or a field that isn't followed, by its name.
Result<std::vector<PreTokenizer>> make_pre_tokenizers(const Json& object);

// GPT-2's pattern.
extern const std::string_view gpt2_pattern;

}  // namespace qb::text
