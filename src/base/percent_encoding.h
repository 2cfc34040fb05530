// Text in the addresses of the web.
#pragma once

#include <string>
#include <string_view>

namespace qb {

// All but letters, digits and "-._~" as %XX. '/' stays where asked for.
std::string percent_encoded(std::string_view text, bool keeps_slashes);

}  // namespace qb
