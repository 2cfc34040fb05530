#include "cli/consent.h"

#include <algorithm>
#include <cctype>

namespace qb::cli {

Consent consent_of(bool has_said_yes, bool is_terminal, const std::function<std::string()>& ask) {
  if (has_said_yes) return Consent::given;
  if (!is_terminal) return Consent::unasked;
  return says_yes(ask()) ? Consent::given : Consent::refused;
}

bool says_yes(std::string_view answer) {
  std::string word;
  for (const unsigned char c : answer)
    if (!std::isspace(c)) word += static_cast<char>(std::tolower(c));
  return word == "y" || word == "yes";
}

}  // namespace qb::cli
