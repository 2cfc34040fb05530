// Numbers for people: "86.4 MB", "7.31 ms", "132 tokens/s". Machines get raw numbers elsewhere.
#pragma once

#include <string>
#include <string_view>

namespace qb {

// Three significant digits, from 1e9 on in scientific form, with the unit scaled: B to kB, MB, GB
// (powers of 1000); ns to us, ms, s. Any other unit is printed as it is; "1" means no unit.
std::string format_quantity(double value, std::string_view unit);

}  // namespace qb
