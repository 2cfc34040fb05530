#include "results/analysis/table.h"

#include <algorithm>
#include <cmath>

#include "base/units.h"
#include "results/analysis/columns.h"

namespace qb::analysis {
namespace {

using Records = std::vector<const Record*>;

Column column_of(const ColumnRule& rule) {
  if (rule.axis || rule.cell)
    return {std::string(rule.heading), std::string(rule.unit), rule.better, rule.rank};
  const metrics::Metric& metric = *metrics::find_metric(rule.name);
  return {std::string(metric.label), std::string(metric.unit), metric.better, rule.rank};
}

std::vector<Cell> cells_of(const ColumnRule& rule, const Records& records) {
  std::vector<Cell> cells;
  for (const Record* record : records) cells.push_back(cell_of(rule, *record, records));
  return cells;
}

bool say_the_same(const std::vector<Cell>& cells) {
  return std::ranges::all_of(cells,
                             [&](const Cell& cell) { return cell.text == cells.front().text; });
}

}  // namespace

std::string ratio_text(double ratio) {
  return ratio < 0.1 ? fmt::format("{:.2g}x", ratio) : fmt::format("{:.2f}x", ratio);
}

std::string ratio_note(const metrics::Ratio& ratio) {
  const std::string pairs =
      fmt::format("{} pair{} of launches", ratio.pair_count, ratio.pair_count == 1 ? "" : "s");
  if (ratio.pair_count == 0) return "ratio of the two figures: no launches of the same block";
  if (ratio.pair_count < 3) return fmt::format("no interval: {}, it needs three", pairs);
  if (!ratio.interval) return fmt::format("no interval: {}, all alike", pairs);
  return fmt::format("95 % interval {} to {}, of {}", ratio_text(ratio.interval->low),
                     ratio_text(ratio.interval->high), pairs);
}

std::string spread_text(double value, double low, double high, std::string_view unit) {
  const double side = std::max({high - value, value - low, 0.0});
  if (unit == "1" || unit == "nats")
    return side >= 99.5 ? fmt::format("±{:.0f}", side) : fmt::format("±{:.2g}", side);
  const double percent = value == 0.0 ? 0.0 : side / std::fabs(value) * 100.0;
  if (percent >= 9.95) return fmt::format("±{:.0f} %", percent);
  return percent < 0.095 ? fmt::format("±{:.1g} %", percent) : fmt::format("±{:.1f} %", percent);
}

std::string figure_text(const Measurement& m, const metrics::Metric& metric) {
  const std::string text = format_quantity(*m.value, metric.unit);
  if (!m.low || !m.high) return text;
  return text + " " + spread_text(*m.value, *m.low, *m.high, metric.unit);
}

Table summarize(const Records& records) {
  Table table;
  if (records.empty()) return table;
  const Record& first = *records.front();
  const std::string weights = first.manifest["weights"].as_string();
  table.title = (task_of(first.subject).group.empty() ? first.subject.model
                                                      : std::string(task_of(first.subject).group)) +
                (weights.empty() ? "" : fmt::format(", {} weights", weights));
  table.rows.resize(records.size());
  for (const ColumnRule& rule : column_rules(records)) {
    const std::vector<Cell> cells = cells_of(rule, records);
    if (!rule.shared.empty() && say_the_same(cells)) {
      const std::string& text = cells.front().text;
      const bool is_one = text == "1" && rule.shared.ends_with('s');  // "1 thread"
      table.title +=
          ", " +
          fmt::format(fmt::runtime(rule.shared.substr(0, rule.shared.size() - (is_one ? 1 : 0))),
                      text);
      continue;
    }
    table.columns.push_back(column_of(rule));
    for (size_t i = 0; i < records.size(); ++i) table.rows[i].push_back(cells[i]);
  }
  return table;
}

}  // namespace qb::analysis
