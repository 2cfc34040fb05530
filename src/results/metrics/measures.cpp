#include "results/metrics/measures.h"

#include <algorithm>
#include <functional>

#include "results/metrics/launches.h"
#include "stats/intervals.h"
#include "stats/stats.h"

namespace qb::metrics {
namespace {

const SampleSeries* find_series(const Launch& launch, std::string_view phase) {
  for (const SampleSeries& series : launch.samples)
    if (series.phase == phase && !series.duration_ns.empty()) return &series;
  return nullptr;
}

std::vector<double> as_doubles(const std::vector<int64_t>& values) {
  return {values.begin(), values.end()};
}

std::string why_absent(const Record& record, std::string_view source) {
  if (record.outcome != Outcome::ok) return record.reason;
  return fmt::format("no launch has {}", source);
}

std::string launches_text(size_t count) {
  return fmt::format("{} launch{}", count, count == 1 ? "" : "es");
}

// How the median of launches got its interval, or why it has none.
std::string basis_of(const std::vector<double>& values, bool has_interval) {
  const std::string figure = fmt::format("the median of {}", launches_text(values.size()));
  if (values.size() < 3) return figure + "; a 95 % interval needs three";
  if (!has_interval) return figure + "; no interval: they are all alike, or not all positive";
  return figure + (values.size() < stats::order_statistics_count_min
                       ? "; 95 % interval by Student's t on their logs"
                       : "; 95 % interval between two of them in order (order statistics)");
}

using ValueOf = std::function<std::optional<double>(const Launch&)>;

// One value of each launch that counts and has it.
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

// The launch is the unit: one value each, their median and its interval.
Measurement over_launches(const Record& record, const Metric& metric, const ValueOf& value_of) {
  Measurement m = with_launch_values(record, metric, value_of);
  if (m.launch_values.empty()) return absent(why_absent(record, metric.source));
  m.value = stats::median(m.launch_values);
  const auto interval = stats::launches_interval(m.launch_values);
  if (interval) {
    m.low = interval->low;
    m.high = interval->high;
  }
  m.basis = basis_of(m.launch_values, interval.has_value());
  return m;
}

// Items in a second: `count` of them each sample, by the mean duration of a launch's samples.
Measurement rate(const Record& record, const Metric& metric, int64_t count) {
  return over_launches(record, metric, [&](const Launch& launch) -> std::optional<double> {
    const SampleSeries* series = find_series(launch, metric.source);
    if (!series) return std::nullopt;
    return static_cast<double>(count) * 1e9 / stats::mean(as_doubles(series->duration_ns));
  });
}

// A percentile of all launches' samples together, once there are enough of them.
Measurement percentile(const Record& record, const Metric& metric, double q) {
  std::vector<double> values;
  Measurement m =
      with_launch_values(record, metric, [&](const Launch& launch) -> std::optional<double> {
        const SampleSeries* series = find_series(launch, metric.source);
        if (!series) return std::nullopt;
        values.insert(values.end(), series->duration_ns.begin(), series->duration_ns.end());
        return stats::quantile(as_doubles(series->duration_ns), q);
      });
  if (values.empty()) return absent(why_absent(record, metric.source));
  const int64_t needed = stats::samples_needed(q);
  if (static_cast<int64_t>(values.size()) < needed)
    return absent(fmt::format("needs {} samples, there are {}", needed, values.size()));
  m.value = stats::quantile(values, q);
  m.basis =
      fmt::format("the {:.0f}th percentile of all {} samples of {}; no interval is made for it",
                  q * 100.0, values.size(), launches_text(m.launch_values.size()));
  return m;
}

// Latency from intended starts means something only while the queue doesn't grow.
Measurement while_in_pace(const Record& record, const Metric& metric,
                          Measurement (*measure)(const Record&, const Metric&)) {
  for (const Launch* launch : counted_launches(record, "speed"))
    if (launch->facts["kept_pace"].is_bool() && !launch->facts["kept_pace"].as_bool())
      return absent("requests came faster than they were served, so the longer, the later");
  return measure(record, metric);
}

}  // namespace

std::optional<double> fact_of(const Launch& launch, std::string_view name) {
  const Json& fact = launch.facts[name];
  if (!fact.is_number()) return std::nullopt;
  return fact.as_double();
}

Measurement absent(std::string reason) { return {.reason = std::move(reason)}; }

Measurement phase_median(const Record& record, const Metric& metric) {
  return over_launches(record, metric, [&](const Launch& launch) -> std::optional<double> {
    const SampleSeries* series = find_series(launch, metric.source);
    if (!series) return std::nullopt;
    return stats::median(as_doubles(series->duration_ns));
  });
}

// Whole generations of a launch: the first token and the steps after it.
Measurement generation_median(const Record& record, const Metric& metric) {
  return over_launches(record, metric, [&](const Launch& launch) -> std::optional<double> {
    const SampleSeries* first = find_series(launch, metric.source);
    const SampleSeries* decode = find_series(launch, "decode");
    if (!first || first->duration_ns.empty()) return std::nullopt;
    std::vector<double> totals = as_doubles(first->duration_ns);
    const size_t steps = decode ? decode->duration_ns.size() / totals.size() : 0;
    for (size_t i = 0; i < totals.size() * steps && i < decode->duration_ns.size(); ++i)
      totals[i / steps] += static_cast<double>(decode->duration_ns[i]);
    return stats::median(totals);
  });
}

Measurement prefill_rate(const Record& record, const Metric& metric) {
  return rate(record, metric,
              record.subject.workload.batch() * record.subject.workload.integer("prompt_tokens"));
}

Measurement batch_rate(const Record& record, const Metric& metric) {
  return rate(record, metric, record.subject.workload.batch());
}

Measurement p90(const Record& record, const Metric& metric) {
  return percentile(record, metric, 0.90);
}

Measurement p99(const Record& record, const Metric& metric) {
  return percentile(record, metric, 0.99);
}

Measurement speed_fact(const Record& record, const Metric& metric) {
  return over_launches(record, metric,
                       [&](const Launch& launch) { return fact_of(launch, metric.source); });
}

// The larger of compiling and running, or that of the process's life where the system tells only
// it.
Measurement peak_memory(const Record& record, const Metric& metric) {
  return over_launches(record, metric, [](const Launch& launch) -> std::optional<double> {
    const auto run = fact_of(launch, "rss_bytes_peak_run");
    if (!run) return fact_of(launch, "rss_bytes_peak_life");
    return std::max(*run, fact_of(launch, "rss_bytes_peak_compile").value_or(*run));
  });
}

// Mean power of the processor packages while measuring.
Measurement package_power(const Record& record, const Metric& metric) {
  Measurement m = over_launches(record, metric, [](const Launch& launch) -> std::optional<double> {
    const auto energy_uj = fact_of(launch, "energy_uj");
    const auto time_ns = fact_of(launch, "measure_time_ns");
    if (!energy_uj || !time_ns || *time_ns <= 0) return std::nullopt;
    return *energy_uj * 1e3 / *time_ns;
  });
  for (const Launch& launch : record.launches)
    if (!m.value && launch.facts["energy_reason"].is_string())
      m.reason = launch.facts["energy_reason"].as_string();
  return m;
}

// The same above what the packages took before the run, when nothing was measured. The interval is
// of the launches alone: the idle power is one measurement.
Measurement power_above_idle(const Record& record, const Metric& metric) {
  Measurement m = package_power(record, metric);
  const Json& idle_w = record.manifest["idle_power_w"];
  if (!m.value) return m;
  if (!idle_w.is_number()) return absent("the power of the idle machine was not measured");
  for (std::optional<double>* figure : {&m.value, &m.low, &m.high})
    if (*figure) **figure -= idle_w.as_double();
  for (double& value : m.launch_values) value -= idle_w.as_double();
  return m;
}

// Share of the measured time that one of its parts took.
Measurement share_of_time(const Record& record, const Metric& metric) {
  return over_launches(record, metric, [&](const Launch& launch) -> std::optional<double> {
    const auto part_ns = fact_of(launch, metric.source);
    const auto time_ns = fact_of(launch, "measure_time_ns");
    if (!part_ns || !time_ns || *time_ns <= 0) return std::nullopt;
    return *part_ns / *time_ns;
  });
}

Measurement arrival_median(const Record& record, const Metric& metric) {
  return while_in_pace(record, metric, phase_median);
}

Measurement arrival_p90(const Record& record, const Metric& metric) {
  return while_in_pace(record, metric, p90);
}

Measurement arrival_p99(const Record& record, const Metric& metric) {
  return while_in_pace(record, metric, p99);
}

}  // namespace qb::metrics
