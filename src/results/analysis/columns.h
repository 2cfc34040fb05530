// Which columns a table of cases has: one declarative row each.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "results/analysis/table.h"

namespace qb::analysis {

struct ColumnRule {
  // A metric's column has its label, unit and better side; others say their own.
  std::string_view metric = {};
  std::string_view heading = {};
  std::string_view unit = {};
  metrics::Better better = metrics::Better::neither;
  int rank = 0;  // as Column::rank
  bool (*applies)(const std::vector<const Record*>& records) = nullptr;
  Cell (*cell)(const Record& record, const std::vector<const Record*>& records) = nullptr;
  bool shows_spread = false;  // the interval stands in the cell, not only in its note
  bool is_hoisted = false;    // what all rows share moves to the title, with this behind it:
  std::string_view title_suffix = {};
};

// In the order of the table.
std::span<const ColumnRule> column_rules();

// What the rule shows of one of the records.
Cell cell_of(const ColumnRule& rule, const Record& record,
             const std::vector<const Record*>& records);

}  // namespace qb::analysis
