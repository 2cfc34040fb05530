// How much room standard output has.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <utility>

#include "results/report/report.h"

namespace qb::cli {

// As wide as $COLUMNS says, else as the terminal is; 100 columns where standard output is none.
report::Layout layout_of_terminal(bool is_wide);

// To standard output. Where it can't be written is told once, at the program's end (fmt::print
// throws).
template <typename... Args>
void say(fmt::format_string<Args...> format, Args&&... args) {
  std::fputs(fmt::format(format, std::forward<Args>(args)...).c_str(), stdout);
}

}  // namespace qb::cli
