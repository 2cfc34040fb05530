#include "results/analysis/columns.h"

#include <algorithm>

#include "base/units.h"
#include "results/metrics/launches.h"

namespace qb::analysis {
namespace {

using Records = std::vector<const Record*>;
using metrics::Better;

Cell variant_cell(const Record& record, const Records&) { return {variant_of(record), {}, {}}; }

Cell framework_cell(const Record& record, const Records&) {
  return {record.subject.framework, {}, record.manifest["framework_version"].as_string()};
}

Cell device_cell(const Record& record, const Records&) { return {record.subject.device, {}, {}}; }

Cell axis_cell(const task::Axis& axis, const Record& record) {
  const double value = task::value_of(axis, record.subject.workload);
  if (!axis.default_note.empty() && task::is_default(axis, record.subject.workload))
    return {"–", std::nullopt, std::string(axis.default_note)};
  return {task::text_of(axis, value), value, {}};
}

Cell bits_cell(const Record& record, const Records&) {
  const Json& bits = record.manifest["bits_per_weight"];
  if (!bits.is_number()) return {"–", std::nullopt, "not known"};
  return {fmt::format("{:.2f}", bits.as_double()), bits.as_double(), {}};
}

Cell outcome_cell(const Record& record, const Records&) {
  return {.text = std::string(name_of(record.outcome)),
          .note = record.reason,
          .is_bad = !is_ok(record)};
}

// Speed over that of the base (find_base).
Cell ratio_cell(const Record& record, const Records& records) {
  const Record* base = find_base(record, records);
  const auto ratio = base ? metrics::speed_ratio(record, *base) : std::nullopt;
  if (!ratio) return {"–", std::nullopt, std::string(task_of(record.subject).base_missing)};
  if (base == &record) return {ratio_text(ratio->value), ratio->value, {}};
  Cell cell = {ratio_text(ratio->value), ratio->value, ratio_note(*ratio)};
  if (ratio->interval)
    cell.text += " " + spread_text(ratio->value, ratio->interval->low, ratio->interval->high, "x");
  return cell;
}

// Figures of several cases, which a task's columns name like metrics.
constexpr ColumnRule computed[] = {
    {.name = "bits_per_weight",
     .heading = "bits/weight",
     .unit = "1",
     .better = Better::lower,
     .cell = bits_cell},
    {.name = "speed_ratio", .unit = "1", .better = Better::higher, .cell = ratio_cell},
};

bool is_shown(const task::Axis& axis, const Records& records) {
  return axis.is_always_shown || std::ranges::any_of(records, [&](const Record* record) {
           return !task::is_default(axis, record->subject.workload);
         });
}

// At least one of the records has the metric.
bool applies_to_any(std::string_view metric, const Records& records) {
  return std::ranges::any_of(records, [&](const Record* record) {
    return task::applies(metric, task_of(record->subject), record->subject.workload);
  });
}

ColumnRule rule_of(const task::Column& column, const task::Task& task) {
  ColumnRule rule = {.name = column.metric};
  const auto found = std::ranges::find(computed, column.metric, &ColumnRule::name);
  if (found != std::end(computed)) rule = *found;
  if (rule.name == "speed_ratio") rule.heading = task.base_heading;
  rule.rank = column.rank;
  rule.shows_spread = column.shows_spread;
  return rule;
}

// Only like is ranked with like: cases that are ok, of one workload but for its threads.
bool is_ranked(const Record& record, const Records& records) {
  const auto is_like = [&](const Record* other) {
    return other->subject.workload.without("thread_count") ==
           record.subject.workload.without("thread_count");
  };
  return is_ok(record) && std::ranges::all_of(records, is_like);
}

// A case without speed says in the speed's place what became of it: a narrow table has no column
// for the outcome.
std::string absent_text(const Record& record, std::string_view metric) {
  const bool is_speed = metric == metrics::speed_metric(record);
  return std::string(is_speed && !is_ok(record) ? name_of(record.outcome) : "–");
}

Cell metric_cell(const ColumnRule& rule, const Record& record, const Records& records) {
  const metrics::Metric& metric = *metrics::find_metric(rule.name);
  const Measurement* m = find_measurement(record, metric.name);
  if (!m || !m->value)
    return {absent_text(record, metric.name), std::nullopt, m ? m->reason : "not measured"};
  Cell cell = {
      rule.shows_spread ? figure_text(*m, metric) : format_quantity(*m->value, metric.unit),
      m->value,
      {},
      is_ranked(record, records)};
  if (m->low && m->high)
    cell.note =
        fmt::format("95 % interval {} to {}, {}", format_quantity(*m->low, metric.unit),
                    format_quantity(*m->high, metric.unit), metrics::scope_of(metric, record));
  if (metric.kind == "quality" && !is_judged_alike(record, records)) {
    cell.text += unlike_mark;
    cell.is_ranked = false;
    cell.note += fmt::format("{}judged on {} {}, most of the table on {}: not to be compared",
                             cell.note.empty() ? "" : "; ", *judged_item_count(record),
                             item_noun(record), *usual_item_count(records));
  }
  return cell;
}

}  // namespace

std::vector<ColumnRule> column_rules(const Records& records) {
  const task::Task& task = task_of(records.front()->subject);
  std::vector<ColumnRule> rules = {
      {.heading = task.variant_heading, .cell = variant_cell},
      {.heading = "framework", .cell = framework_cell},
      {.heading = "device", .cell = device_cell, .shared = "{}"},
  };
  for (const task::Axis* axis : task.axes)
    if (!axis->heading.empty() && is_shown(*axis, records))
      rules.push_back(
          {.heading = axis->heading, .unit = axis->unit, .axis = axis, .shared = axis->shared});
  for (const task::Column& column : task.columns)
    if (applies_to_any(column.metric, records)) rules.push_back(rule_of(column, task));
  if (!std::ranges::all_of(records, [](const Record* record) { return is_ok(*record); }))
    rules.push_back({.heading = "outcome", .rank = 6, .cell = outcome_cell});
  return rules;
}

Cell cell_of(const ColumnRule& rule, const Record& record, const Records& records) {
  Cell cell = rule.axis   ? axis_cell(*rule.axis, record)
              : rule.cell ? rule.cell(record, records)
                          : metric_cell(rule, record, records);
  if (rule.axis || rule.cell) cell.is_ranked = is_ranked(record, records);
  return cell;
}

}  // namespace qb::analysis
