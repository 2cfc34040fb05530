// Which columns a table of cases has: one declarative row each.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "results/analysis/table.h"

namespace qb::analysis {

struct ColumnRule {
  // Of a metric, whose label, unit and better side the column has, unless it has a cell of its own.
  std::string_view name = {};
  std::string_view heading = {};
  std::string_view unit = {};
  metrics::Better better = metrics::Better::neither;
  int rank = 0;  // as Column::rank
  const task::Axis* axis = nullptr;
  Cell (*cell)(const Record& record, const std::vector<const Record*>& records) = nullptr;
  bool shows_spread = false;     // the interval stands in the cell, not only in its note
  std::string_view shared = {};  // how what all rows share is put into the title: "{} threads"
};

// Of the task's row (task/task.h) and what every table has, in order; at least one record.
std::vector<ColumnRule> column_rules(const std::vector<const Record*>& records);

// What the rule shows of one of the records.
Cell cell_of(const ColumnRule& rule, const Record& record,
             const std::vector<const Record*>& records);

}  // namespace qb::analysis
