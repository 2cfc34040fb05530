#include "results/analysis/frameworks.h"

#include <algorithm>

#include "base/units.h"
#include "results/metrics/launches.h"

namespace qb::analysis {
namespace {

bool is_measured(const Record& record) {
  const Measurement* speed = find_measurement(record, metrics::speed_metric(record));
  return speed && speed->value;
}

bool are_same_bits(const Record& a, const Record& b) {
  Case other = b.subject;
  other.framework = a.subject.framework;
  return a.subject == other;
}

Cell speed_cell(const Record& record, const Record&) {
  const std::string_view name = metrics::speed_metric(record);
  const Measurement* m = find_measurement(record, name);
  return {
      format_quantity(*m->value, metrics::find_metric(name)->unit), m->value, {}, is_ok(record)};
}

Cell ratio_cell(const Record& record, const Record& lead) {
  if (&record == &lead) return {"1", 1.0, "what the others are compared with"};
  const auto ratio = metrics::speed_ratio(record, lead);
  if (!ratio) return {"–", std::nullopt, "one of the two has no speed"};
  std::string text = ratio_text(ratio->value);
  if (ratio->interval)
    text += " " + spread_text(ratio->value, ratio->interval->low, ratio->interval->high, "x");
  return {std::move(text), ratio->value, ratio_note(*ratio)};
}

Cell divergence_cell(const Record& record, std::string_view name, std::string_view unit) {
  const Json& divergence = record.manifest["divergence"];
  if (divergence["problem"].is_string())
    return {"–", std::nullopt, divergence["problem"].as_string()};
  if (!divergence[name].is_number()) return {"–", std::nullopt, "not compared"};
  const double value = divergence[name].as_double();
  return {format_quantity(value, unit), value,
          fmt::format("over {} rows of logits, from {}", divergence["rows"].as_int(),
                      divergence["from"].as_string())};
}

Cell scheme_cell(const Record& record, const Record&) { return {record.subject.scheme, {}, {}}; }

Cell framework_cell(const Record& record, const Record&) {
  return {record.subject.framework, {}, record.manifest["framework_version"].as_string()};
}

// The figure of the cell, unless the record is the one that others are compared with.
template <Cell (*cell_of)(const Record&)>
Cell compared_cell(const Record& record, const Record& lead) {
  if (&record == &lead) return {"–", std::nullopt, "compared with itself"};
  return cell_of(record);
}

Cell agreement_cell(const Record& record) { return divergence_cell(record, "top1_agreement", "1"); }
Cell kl_cell(const Record& record) { return divergence_cell(record, "kl_divergence", "nats"); }
Cell difference_cell(const Record& record) {
  return divergence_cell(record, "logit_max_abs_difference", "1");
}

Cell computes_cell(const Record& record, const Record&) {
  const std::string& type = record.manifest["actual"]["compute_type"].as_string();
  return {type.empty() ? "not told" : type, {}, {}};
}

struct ComparedColumn {
  std::string_view heading;
  std::string_view unit = {};
  metrics::Better better = metrics::Better::neither;
  int rank = 0;  // as Column::rank
  Cell (*cell)(const Record& record, const Record& lead) = nullptr;
};

constexpr ComparedColumn columns[] = {
    {.heading = "scheme", .cell = scheme_cell},
    {.heading = "framework", .cell = framework_cell},
    {.heading = "speed",
     .unit = "1/s",
     .better = metrics::Better::higher,
     .rank = 4,
     .cell = speed_cell},
    {.heading = "vs the first", .unit = "1", .cell = ratio_cell},
    {.heading = "same answers", .unit = "1", .rank = 1, .cell = compared_cell<agreement_cell>},
    {.heading = "KL", .unit = "nats", .rank = 2, .cell = compared_cell<kl_cell>},
    {.heading = "largest logit difference",
     .unit = "1",
     .rank = 3,
     .cell = compared_cell<difference_cell>},
    {.heading = "computes", .rank = 5, .cell = computes_cell},
};

std::vector<Cell> row_of(const Record& record, const Record& lead) {
  std::vector<Cell> row;
  for (const ComparedColumn& column : columns) row.push_back(column.cell(record, lead));
  return row;
}

}  // namespace

Table compare_frameworks(const std::vector<const Record*>& records) {
  Table table = {.title = "The same bits in each framework"};
  for (const ComparedColumn& column : columns)
    table.columns.push_back(
        {std::string(column.heading), std::string(column.unit), column.better, column.rank});
  if (!records.empty() && task_of(records.front()->subject).variant == task::Variant::model)
    return table;  // bits of their own
  std::vector<const Record*> leads;
  for (const Record* lead : records) {
    const auto is_same = [&](const Record* other) { return are_same_bits(*lead, *other); };
    if (!is_measured(*lead) || std::ranges::any_of(leads, is_same)) continue;
    leads.push_back(lead);
    std::vector<std::vector<Cell>> rows;
    for (const Record* record : records)
      if (is_same(record) && is_measured(*record)) rows.push_back(row_of(*record, *lead));
    if (rows.size() > 1) table.rows.insert(table.rows.end(), rows.begin(), rows.end());
  }
  return table;
}

}  // namespace qb::analysis
