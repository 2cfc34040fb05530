// Patterns of tokenizers, which are written for Oniguruma (Ruby's syntax), in PCRE2's words.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace qb::text {

// The same matches by PCRE2 with PCRE2_UTF and PCRE2_UCP. What both spell alike and mean otherwise
// is rewritten: \h, \s, \v and \w, scripts, classes within classes and their intersections (&&),
// [:posix:] classes, ^ and $, {n,m}+ and {,m}. Error: unsupported, a construct that isn't followed,
// by its name and place.
Result<std::string> to_pcre2(std::string_view pattern);

}  // namespace qb::text
