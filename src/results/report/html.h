// Pieces of the HTML page.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "measurement/record/record.h"

namespace qb::report {

// Safe in text and in quoted attributes.
std::string escape_html(std::string_view text);

// Speed against quality of one model's cases, with the Pareto frontier; an SVG, or empty when fewer
// than two cases have both. Cases that can't be compared with the others (not settled, another
// workload, quality judged on other items) are hollow, named as such and no part of the frontier.
std::string render_scatter(const std::vector<const Record*>& records);

std::string_view page_style();
std::string_view page_script();

}  // namespace qb::report
