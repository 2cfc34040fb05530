#include "metrics/measures.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "metrics/launches.h"
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

Measurement absent(std::string reason) { return {.reason = std::move(reason)}; }

std::string why_absent(const Record& record, std::string_view source) {
  if (record.outcome != Outcome::ok) return record.reason;
  return fmt::format("no launch has {}", source);
}

// The launch is the unit: one value each, their median, and the interval of the median where there

// are launches enough.

Measurement over_launches(const Record& record, const Metric& metric, std::string_view kind,
                          const std::function<std::optional<double>(const Launch&)>& value_of) {
  std::vector<double> values;
  for (const Launch* launch : counted_launches(record, kind))
    if (const auto value = value_of(*launch)) values.push_back(*value);
  if (values.empty()) return absent(why_absent(record, metric.source));
  Measurement m = {.value = stats::median(values), .launch_values = values};
  if (const auto interval = stats::median_interval(values)) {
    m.low = interval->low;
    m.high = interval->high;
  }
  return m;
}

}  // namespace

Measurement phase_median(const Record& record, const Metric& metric) {
  return over_launches(record, metric, "speed", [&](const Launch& launch) -> std::optional<double> {
    const SampleSeries* series = find_series(launch, metric.source);
    if (!series) return std::nullopt;
    return stats::median(as_doubles(series->duration_ns));
  });
}

namespace {

// Items in a second: `count` of them each sample, by the mean duration of a launch's samples.

Measurement rate(const Record& record, const Metric& metric, int64_t count) {
  return over_launches(record, metric, "speed", [&](const Launch& launch) -> std::optional<double> {
    const SampleSeries* series = find_series(launch, metric.source);
    if (!series) return std::nullopt;
    return static_cast<double>(count) * 1e9 / stats::mean(as_doubles(series->duration_ns));
  });
}

// Whole generations of a launch: the first token and the steps after it.

}  // namespace

Measurement generation_median(const Record& record, const Metric& metric) {
  const auto steps =
      static_cast<size_t>(std::max<int64_t>(0, record.subject.workload.generated_tokens - 1));
  return over_launches(record, metric, "speed", [&](const Launch& launch) -> std::optional<double> {
    const SampleSeries* first = find_series(launch, metric.source);
    const SampleSeries* decode = find_series(launch, "decode");
    if (!first || (steps > 0 && !decode)) return std::nullopt;
    std::vector<double> totals = as_doubles(first->duration_ns);
    for (size_t i = 0; i < totals.size() * steps && i < decode->duration_ns.size(); ++i)
      totals[i / steps] += static_cast<double>(decode->duration_ns[i]);
    return stats::median(totals);
  });
}

Measurement prefill_rate(const Record& record, const Metric& metric) {
  return rate(record, metric,
              record.subject.workload.batch * record.subject.workload.prompt_tokens);
}

Measurement batch_rate(const Record& record, const Metric& metric) {
  return rate(record, metric, record.subject.workload.batch);
}

namespace {

// A percentile of all launches' samples together, once there are enough of them.

Measurement percentile(const Record& record, const Metric& metric, double q) {
  std::vector<double> values;
  for (const Launch* launch : counted_launches(record, "speed"))
    if (const SampleSeries* series = find_series(*launch, metric.source))
      values.insert(values.end(), series->duration_ns.begin(), series->duration_ns.end());
  if (values.empty()) return absent(why_absent(record, metric.source));
  const int64_t needed = stats::samples_needed(q);
  if (static_cast<int64_t>(values.size()) < needed)
    return absent(fmt::format("needs {} samples, there are {}", needed, values.size()));
  return {.value = stats::quantile(values, q)};
}

}  // namespace

Measurement p90(const Record& record, const Metric& metric) {
  return percentile(record, metric, 0.90);
}

Measurement p99(const Record& record, const Metric& metric) {
  return percentile(record, metric, 0.99);
}

namespace {

std::optional<double> fact_of(const Launch& launch, std::string_view name) {
  const Json& fact = launch.facts[name];
  if (!fact.is_number()) return std::nullopt;
  return fact.as_double();
}

}  // namespace

Measurement speed_fact(const Record& record, const Metric& metric) {
  return over_launches(record, metric, "speed",
                       [&](const Launch& launch) { return fact_of(launch, metric.source); });
}

namespace {

// The larger of compiling and running, or that of the process's life where the system tells only

// it.

}  // namespace

Measurement peak_memory(const Record& record, const Metric& metric) {
  return over_launches(record, metric, "speed", [](const Launch& launch) -> std::optional<double> {
    const auto run = fact_of(launch, "rss_bytes_peak_run");
    if (!run) return fact_of(launch, "rss_bytes_peak_life");
    return std::max(*run, fact_of(launch, "rss_bytes_peak_compile").value_or(*run));
  });
}

namespace {

// Mean power of the processor packages while measuring.

}  // namespace

Measurement package_power(const Record& record, const Metric& metric) {
  Measurement m =
      over_launches(record, metric, "speed", [](const Launch& launch) -> std::optional<double> {
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

namespace {

// The same above what the packages took before the run, when nothing was measured.

}  // namespace

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

namespace {

// Share of the measured time that one of its parts took.

}  // namespace

Measurement share_of_time(const Record& record, const Metric& metric) {
  return over_launches(record, metric, "speed", [&](const Launch& launch) -> std::optional<double> {
    const auto part_ns = fact_of(launch, metric.source);
    const auto time_ns = fact_of(launch, "measure_time_ns");
    if (!part_ns || !time_ns || *time_ns <= 0) return std::nullopt;
    return *part_ns / *time_ns;
  });
}

namespace {

// Latency from intended starts means something only while the queue doesn't grow.

Measurement while_in_pace(const Record& record, const Metric& metric,
                          Measurement (*measure)(const Record&, const Metric&)) {
  for (const Launch* launch : counted_launches(record, "speed"))
    if (launch->facts["kept_pace"].is_bool() && !launch->facts["kept_pace"].as_bool())
      return absent("requests came faster than they were served, so the longer, the later");
  return measure(record, metric);
}

}  // namespace

Measurement arrival_median(const Record& record, const Metric& metric) {
  return while_in_pace(record, metric, phase_median);
}

Measurement arrival_p90(const Record& record, const Metric& metric) {
  return while_in_pace(record, metric, p90);
}

Measurement arrival_p99(const Record& record, const Metric& metric) {
  return while_in_pace(record, metric, p99);
}

namespace {

// A quality figure; where the worker gave a standard error, 1.96 of it each way is the interval.

}  // namespace

Measurement quality_fact(const Record& record, const Metric& metric) {
  for (const Launch* launch : counted_launches(record, "quality")) {
    const auto value = fact_of(*launch, metric.source);
    if (!value) continue;
    Measurement m = {.value = value};
    if (const auto error = fact_of(*launch, fmt::format("{}_standard_error", metric.source))) {
      m.low = *value - 1.96 * *error;
      m.high = *value + 1.96 * *error;
    }
    return m;
  }
  for (const Launch& launch : record.launches)
    if (launch.kind == "quality" && launch.outcome != Outcome::ok) return absent(launch.reason);
  if (record.manifest["weights"].as_string() == "synthetic")
    return absent("the weights are synthetic, so task quality means nothing");
  return absent("quality was not measured");
}

namespace {

// A distance between the outputs of two files; why there is none, where the worker or the campaign

// says so.

}  // namespace

Measurement output_distance(const Record& record, const Metric& metric) {
  Measurement m = quality_fact(record, metric);
  const Json& no_baseline = record.manifest["quality_problem"];
  if (!m.value) m.reason = "there is no other file to compare the outputs with";
  if (!m.value && no_baseline.is_string()) m.reason = no_baseline.as_string();
  for (const Launch& launch : record.launches) {
    const Json& problem = launch.facts["comparison_problem"];
    if (!m.value && problem.is_string()) m.reason = problem.as_string();
    if (launch.kind == "quality" && launch.outcome != Outcome::ok) m.reason = launch.reason;
  }
  return m;
}

}  // namespace qb::metrics
