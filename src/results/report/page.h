// The frame of the HTML page, its style and its script: page.html, built into the program.
#pragma once

#include <string_view>

namespace qb::report {

// With places to be filled: "{{suite}}", "{{sections}}", …
std::string_view page_template();

}  // namespace qb::report
