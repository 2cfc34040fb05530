// The known word that a mistyped one was probably meant to be.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace qb::cli {

// By Levenshtein's distance, the first of equally near ones; `words` must not be empty.
std::string nearest_of(std::string_view given, const std::vector<std::string>& words);

}  // namespace qb::cli
