// What a tokenizer does to a text before it cuts it: the field "normalizer" of a tokenizer.json.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace qb::text {

using Normalizer = std::function<Result<std::string>(std::string)>;

// Error: a kind or a field that isn't followed, by its name.
Result<std::vector<Normalizer>> make_normalizers(const Json& object);

Result<std::string> normalize(const std::vector<Normalizer>& normalizers, std::string text);

// SentencePiece's table of what characters become, in base64 (the kind Precompiled).
Result<Normalizer> make_precompiled(const Json& object);

}  // namespace qb::text
