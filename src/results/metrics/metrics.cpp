#include "results/metrics/metrics.h"

#include <algorithm>

#include "results/metrics/measures.h"

namespace qb::metrics {
namespace {

std::vector<Metric> join_subjects() {
  std::vector<Metric> rows;
  for (const auto subject :
       {speed_metrics(), memory_metrics(), energy_metrics(), disk_metrics(), quality_metrics()})
    rows.insert(rows.end(), subject.begin(), subject.end());
  return rows;
}

}  // namespace

std::string_view name_of(Better better) {
  return better == Better::lower ? "lower" : better == Better::higher ? "higher" : "neither";
}

std::span<const Metric> metrics() {
  static const std::vector<Metric> rows = join_subjects();
  return rows;
}

std::string source_text(const Metric& metric) {
  const std::string_view source = metric.phase.empty() ? metric.fact : metric.phase;
  return metric.per.empty() ? std::string(source) : fmt::format("{} over {}", source, metric.per);
}

const Metric* find_metric(std::string_view name) {
  const std::span<const Metric> rows = metrics();
  const auto found = std::ranges::find(rows, name, &Metric::name);
  return found == rows.end() ? nullptr : &*found;
}

std::string_view scope_of(const Metric& metric, const Record& record) {
  if (metric.kind == "speed") return "in this session";
  return task_of(record.subject).items_like;
}

std::vector<Measurement> measure(const Record& record) {
  std::vector<Measurement> measurements;
  for (const Metric& metric : metrics()) {
    if (!task::applies(metric.name, task_of(record.subject), record.subject.workload)) continue;
    Measurement measurement = metric.measure(record, metric);
    measurement.name = metric.name;
    measurements.push_back(std::move(measurement));
  }
  return measurements;
}

}  // namespace qb::metrics
