#include "results/metrics/measures.h"

#include "results/metrics/launches.h"
#include "stats/intervals.h"
#include "stats/stats.h"

namespace qb::metrics {
namespace {

// How the median of launches got its interval, or why it has none.
std::string basis_of(const std::vector<double>& values, bool has_interval) {
  const std::string figure = fmt::format("the median of {}", launches_text(values.size()));
  if (values.size() < 3) return figure + "; a 95 % interval needs three";
  if (!has_interval) return figure + "; no interval: they are all alike, or not all positive";
  return figure + (values.size() < stats::order_statistics_count_min
                       ? "; 95 % interval by Student's t on their logs"
                       : "; 95 % interval between two of them in order (order statistics)");
}

}  // namespace

std::optional<double> fact_of(const Launch& launch, std::string_view name) {
  const Json& fact = launch.facts[name];
  if (!fact.is_number()) return std::nullopt;
  return fact.as_double();
}

std::optional<double> quotient_of(const Launch& launch, const Metric& metric, double factor) {
  const auto part = fact_of(launch, metric.fact);
  const auto whole = fact_of(launch, metric.per);
  if (!part || !whole || *whole <= 0) return std::nullopt;
  return *part * factor / *whole;
}

Measurement absent(std::string reason) { return {.reason = std::move(reason)}; }

std::string why_absent(const Record& record, const Metric& metric) {
  if (record.outcome != Outcome::ok) return record.reason;
  return fmt::format("no launch has {}", metric.phase.empty() ? metric.fact : metric.phase);
}

std::string launches_text(size_t count) {
  return fmt::format("{} launch{}", count, count == 1 ? "" : "es");
}

Measurement with_launch_values(const Record& record, const Metric& metric,
                               const ValueOf& value_of) {
  Measurement m;
  for (const Launch* launch : counted_launches(record, metric.kind)) {
    const auto value = value_of(*launch);
    if (!value) continue;
    m.launch_values.push_back(*value);
    m.launch_indices.push_back(launch->index);
  }
  return m;
}

Measurement over_launches(const Record& record, const Metric& metric, const ValueOf& value_of) {
  Measurement m = with_launch_values(record, metric, value_of);
  if (m.launch_values.empty()) return absent(why_absent(record, metric));
  m.value = stats::median(m.launch_values);
  const auto interval = stats::launches_interval(m.launch_values);
  if (interval) {
    m.low = interval->low;
    m.high = interval->high;
  }
  m.basis = basis_of(m.launch_values, interval.has_value());
  return m;
}

Measurement fact_median(const Record& record, const Metric& metric) {
  return over_launches(record, metric,
                       [&](const Launch& launch) { return fact_of(launch, metric.fact); });
}

Measurement quotient_median(const Record& record, const Metric& metric) {
  return over_launches(record, metric,
                       [&](const Launch& launch) { return quotient_of(launch, metric); });
}

}  // namespace qb::metrics
