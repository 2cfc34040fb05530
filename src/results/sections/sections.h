// The sections of a report: one file each in this folder, and one row here. The terminal, Markdown
// and the page walk the same table.
#pragma once

#include <string_view>
#include <vector>

#include "results/sections/block.h"

namespace qb::sections {

// What there is to say of the cases of one model; no blocks where there is nothing.
using Build = Blocks(const analysis::ModelGroup& group);
Build build_title, build_workload, build_verdict, build_chart, build_cases, build_frameworks,
    build_problems, build_notes, build_manifests;

struct Section {
  std::string_view name;
  Build* build = nullptr;
  // Texts have no picture above the figures, so they order the sections by this, alike ones as in
  // the table.
  int place_in_text = 100;
  // The terminal shows it below all models, since the last lines are those that stay in sight.
  bool ends_terminal = false;
};

// In the order of the page.
inline constexpr Section sections[] = {
    {.name = "title", .build = build_title, .place_in_text = 1},
    {.name = "workload", .build = build_workload, .place_in_text = 3},
    {.name = "verdict", .build = build_verdict, .place_in_text = 4, .ends_terminal = true},
    {.name = "chart", .build = build_chart},
    {.name = "cases", .build = build_cases, .place_in_text = 2},
    {.name = "frameworks", .build = build_frameworks, .place_in_text = 7},
    {.name = "problems", .build = build_problems, .place_in_text = 6},
    {.name = "notes", .build = build_notes, .place_in_text = 5},
    {.name = "manifests", .build = build_manifests},
};

// The same in the order of a text.
std::vector<const Section*> sections_of_text();

}  // namespace qb::sections
