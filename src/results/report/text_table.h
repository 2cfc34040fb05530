// A table as lines of text that fit a terminal.
#pragma once

#include <string>
#include <string_view>

#include "results/analysis/table.h"
#include "results/report/report.h"

namespace qb::report {

// The columns that fit the layout, the least important left out first, and a line that names those;
// texts of a table that is still too wide are shortened in their middle. Its title is left to the
// heading above it. Ends with a line break.
std::string table_text(const analysis::Table& table, const Layout& layout);

// The text as a line; where it is too wide for the layout, broken between words, with `indent`
// spaces before each line but the first.
std::string wrapped_line(std::string_view text, size_t indent, const Layout& layout);

}  // namespace qb::report
