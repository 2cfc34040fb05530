#include "cli/live_table.h"

#include <algorithm>

#include "base/display_width.h"

namespace qb::cli {
LiveTable::LiveTable(const plan::Plan& plan) {
  for (const plan::PlannedCase& planned : plan.cases)
    rows_.push_back({.subject = planned.subject, .name = case_id(planned.subject)});
  for (const plan::PlannedLaunch& launch : plan.launches) ++rows_[launch.case_index].planned_count;
}

LiveTable::Row* LiveTable::find(const Case& subject) {
  const auto found = std::ranges::find(rows_, subject, &Row::subject);
  if (found == rows_.end()) return nullptr;
  newest_ = static_cast<size_t>(found - rows_.begin());
  return &*found;
}

void LiveTable::set_state(const Case& subject, std::string state) {
  if (Row* row = find(subject)) row->state = std::move(state);
}

void LiveTable::add_launch(const Case& subject, std::string figure) {
  Row* row = find(subject);
  if (!row) return;
  ++row->done_count;
  row->planned_count = std::max(row->planned_count, row->done_count);  // repeats are not planned
  row->figure = std::move(figure);
}

std::vector<std::string> LiveTable::render(size_t row_count, size_t column_count) const {
  size_t name_width = 4;
  size_t figure_width = 6;
  for (const Row& row : rows_) {
    name_width = std::max(name_width, display_width(row.name));
    figure_width = std::max(figure_width, display_width(row.figure));
  }
  figure_width = std::min<size_t>(figure_width, 40);
  const size_t shown = std::min(rows_.size(), row_count > 1 ? row_count - 1 : 0);
  const size_t first = std::min(newest_ - std::min(newest_, shown / 2), rows_.size() - shown);
  std::vector<std::string> lines;
  lines.push_back(
      fmt::format("{:<{}}  launches  {:<{}}  state{}", "case", name_width, "newest", figure_width,
                  shown < rows_.size() ? fmt::format(" ({} of {} cases)", shown, rows_.size())
                                       : std::string()));
  for (size_t i = first; i < first + shown; ++i) {
    const Row& row = rows_[i];
    lines.push_back(fmt::format("{:<{}}  {:>3} of {:<2} {:<{}}  {}", row.name, name_width,
                                row.done_count, row.planned_count,
                                clipped(row.figure, figure_width), figure_width, row.state));
  }
  for (std::string& line : lines) line = clipped(line, column_count);
  return lines;
}

}  // namespace qb::cli
