// Whether something large may be fetched: what the user said before, or says when asked.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace qb::cli {

enum class Consent : uint8_t {
  given,
  refused,
  unasked  // there is nobody to ask
};

// `has_said_yes`: on the command line. `ask` is called only where a person can answer, and gives
// the answer.
Consent consent_of(bool has_said_yes, bool is_terminal, const std::function<std::string()>& ask);

// "y", "yes", in any case, with blanks around; all else is no.
bool says_yes(std::string_view answer);

}  // namespace qb::cli
