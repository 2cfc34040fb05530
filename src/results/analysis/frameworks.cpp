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

Cell speed_cell(const Record& record) {
  const std::string_view name = metrics::speed_metric(record);
  const Measurement* m = find_measurement(record, name);
  return {
      format_quantity(*m->value, metrics::find_metric(name)->unit), m->value, {}, is_ok(record)};
}

Cell ratio_cell(const Record& record, const Record& lead) {
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

std::string computes(const Record& record) {
  const std::string& type = record.manifest["actual"]["compute_type"].as_string();
  return type.empty() ? "not told" : type;
}

std::vector<Cell> row_of(const Record& record, const Record& lead) {
  std::vector<Cell> row = {
      {record.subject.scheme, {}, {}},
      {record.subject.framework, {}, record.manifest["framework_version"].as_string()},
      speed_cell(record)};
  if (&record == &lead) {
    row.push_back({"1", 1.0, "what the others are compared with"});
    for (int i = 0; i < 3; ++i) row.push_back({"–", std::nullopt, "compared with itself"});
  } else {
    row.push_back(ratio_cell(record, lead));
    row.push_back(divergence_cell(record, "top1_agreement", "1"));
    row.push_back(divergence_cell(record, "kl_divergence", "nats"));
    row.push_back(divergence_cell(record, "logit_max_abs_difference", "1"));
  }
  row.push_back({computes(record), {}, {}});
  return row;
}

}  // namespace

Table compare_frameworks(const std::vector<const Record*>& records) {
  Table table = {.title = "The same bits in each framework",
                 .columns = {{"scheme"},
                             {"framework"},
                             {"speed", "1/s", metrics::Better::higher, 4},
                             {"vs the first", "1"},
                             {"same answers", "1", metrics::Better::neither, 1},
                             {"KL", "nats", metrics::Better::neither, 2},
                             {"largest logit difference", "1", metrics::Better::neither, 3},
                             {"computes", "", metrics::Better::neither, 5}}};
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
