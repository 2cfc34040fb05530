// For dashboards of others: a case's figures of its table, each under the case's id.
#include "results/metrics/metrics.h"
#include "results/report/report.h"

namespace qb::report {
namespace {

using metrics::Better;

struct Shown {
  const metrics::Metric* metric = nullptr;
  const Measurement* measurement = nullptr;
};

// With a value, and of which it is known which way is better.
std::vector<Shown> shown_of(const Record& record) {
  std::vector<Shown> all;
  if (record.outcome != Outcome::ok) return all;
  for (const task::Column& column : task_of(record.subject).columns) {
    const metrics::Metric* metric = metrics::find_metric(column.metric);
    const Measurement* measurement = find_measurement(record, column.metric);
    if (metric && measurement && measurement->value && metric->better != Better::neither)
      all.push_back({metric, measurement});
  }
  return all;
}

}  // namespace

std::string render_bmf(const Document& document) {
  Json cases = Json::object({});
  for (const Record& record : document.records) {
    Json measures = Json::object({});
    for (const auto& [metric, m] : shown_of(record)) {
      Json measure = Json::object({{"value", *m->value}});
      if (m->low) measure.set("lower_value", *m->low);
      if (m->high) measure.set("upper_value", *m->high);
      measures.set(metric->name, std::move(measure));
    }
    if (!measures.as_object().empty()) cases.set(case_id(record.subject), std::move(measures));
  }
  return dump_json(cases, 1) + "\n";
}

std::string render_custom(const Document& document, metrics::Better better) {
  Json::Array entries;
  for (const Record& record : document.records)
    for (const auto& [metric, m] : shown_of(record)) {
      if (metric->better != better) continue;
      Json entry =
          Json::object({{"name", fmt::format("{}: {}", case_id(record.subject), metric->name)},
                        {"unit", metric->unit},
                        {"value", *m->value}});
      if (m->low && m->high) entry.set("range", fmt::format("{:.4g} to {:.4g}", *m->low, *m->high));
      entries.push_back(std::move(entry));
    }
  return dump_json(std::move(entries), 1) + "\n";
}

}  // namespace qb::report
