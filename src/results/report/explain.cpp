// One figure, from raw samples to its interval.
#include <fmt/ranges.h>

#include <algorithm>

#include "base/units.h"
#include "results/metrics/launches.h"
#include "results/metrics/metrics.h"
#include "results/report/report.h"
#include "stats/correlation.h"
#include "stats/stats.h"

namespace qb::report {
namespace {

std::string quantity(double value, std::string_view unit) { return format_quantity(value, unit); }

// "settled after 12 of warm-up"
std::string settling_text(const Launch& launch) {
  const Json& settled = launch.facts["settled"];
  const std::string warmup =
      fmt::format("{} iterations of warm-up", launch.facts["warm_up_count"].as_int());
  if (!settled.is_bool()) return fmt::format("after {}; too few to tell whether steady", warmup);
  return settled.as_bool() ? fmt::format("steady after {}", warmup)
                           : fmt::format("did not settle; {} by count", warmup);
}

// A launch's raw samples: how many count for how many, and their quartiles.
std::string samples_text(const SampleSeries& series) {
  const std::vector<double> values(series.duration_ns.begin(), series.duration_ns.end());
  std::string text = fmt::format("{} samples, median {}, half of them within {} to {}",
                                 values.size(), quantity(stats::median(values), "ns"),
                                 quantity(stats::quantile(values, 0.25), "ns"),
                                 quantity(stats::quantile(values, 0.75), "ns"));
  const double effective = stats::effective_sample_size(values);
  if (effective < static_cast<double>(values.size()) / 2.0)
    text += fmt::format(", neighbours depend on each other: worth {:.0f}", effective);
  return text;
}

// "load 0.52, 2.60 GHz, 45 °C": what the host tells of its state.
std::string condition_text(const Json& condition) {
  std::vector<std::string> parts;
  const auto add = [&](const char* key, auto&& text_of) {
    if (const Json& value = condition[key]; !value.is_null()) parts.push_back(text_of(value));
  };
  add("load_average_1m",
      [](const Json& value) { return fmt::format("load {:.2f}", value.as_double()); });
  add("cpu_frequency_hz",
      [](const Json& value) { return fmt::format("{:.2f} GHz", value.as_double() / 1e9); });
  add("temperature_c",
      [](const Json& value) { return fmt::format("{:.0f} °C", value.as_double()); });
  add("thermal_pressure",
      [](const Json& value) { return fmt::format("thermal pressure {}", value.as_string()); });
  add("low_power_mode", [](const Json& value) {
    return std::string(value.as_bool() ? "low power mode" : "no low power mode");
  });
  add("power_source", [](const Json& value) { return "on " + value.as_string(); });
  return fmt::format("{}", fmt::join(parts, ", "));
}

// What the system counted while the launch was timed, and what counting took.
std::string probes_text(const Launch& launch) {
  const Json& facts = launch.facts;
  std::string text;
  const double time_ns = facts["measure_time_ns"].as_double();
  if (time_ns <= 0.0) return text;
  if (facts["cpu_time_ns"].is_number())
    text += fmt::format("\n    {:.2f} cores used, {} context switches, {} page faults",
                        facts["cpu_time_ns"].as_double() / time_ns,
                        facts["voluntary_context_switches"].as_int() +
                            facts["involuntary_context_switches"].as_int(),
                        facts["minor_page_faults"].as_int() + facts["major_page_faults"].as_int());
  const std::string before = condition_text(facts["condition_before"]);
  const std::string after = condition_text(facts["condition_after"]);
  if (!before.empty())
    text += fmt::format("\n    machine: {}{}", before, after == before ? "" : "; after: " + after);
  if (facts["probe_time_ns"].is_number())
    text += fmt::format("\n    probes took {}, {:.2f} % of the time measured",
                        quantity(facts["probe_time_ns"].as_double(), "ns"),
                        facts["probe_time_ns"].as_double() / time_ns * 100.0);
  return text;
}

std::string launches_text(const Record& record, const metrics::Metric& metric,
                          const Measurement& measurement) {
  const auto counted = metrics::counted_launches(record, metric.kind);
  std::string text;
  for (const Launch& launch : record.launches) {
    if (launch.kind != metric.kind) continue;
    const auto place = std::ranges::find(counted, &launch);
    text += fmt::format("  launch {}{}: {}", launch.index % repeat_offset,
                        launch.index >= repeat_offset ? " again" : "", name_of(launch.outcome));
    if (!launch.reason.empty()) text += fmt::format(", {}", launch.reason);
    const auto value = std::ranges::find(measurement.launch_indices, launch.index);
    if (place != counted.end() && value != measurement.launch_indices.end())
      text += fmt::format(", {}", quantity(measurement.launch_values[static_cast<size_t>(
                                               value - measurement.launch_indices.begin())],
                                           metric.unit));
    if (launch.facts["contention"].is_string())
      text += fmt::format("\n    disturbed: {}{}", launch.facts["contention"].as_string(),
                          place == counted.end() ? "; measured again, so it doesn't count" : "");
    for (const SampleSeries& series : launch.samples)
      if (series.phase == metric.phase && !series.duration_ns.empty())
        text += fmt::format("\n    {}: {}; {}", series.phase, samples_text(series),
                            settling_text(launch));
    text += probes_text(launch) + "\n";
  }
  return text;
}

}  // namespace

Result<std::string> render_explanation(const Record& record, std::string_view metric_name) {
  const metrics::Metric* metric = metrics::find_metric(metric_name);
  const auto measurements = metrics::measure(record);
  const auto found = std::ranges::find(measurements, metric_name, &Measurement::name);
  if (!metric || found == measurements.end())
    return fail(Errc::bad_input, "{} has no metric \"{}\"; `qbench metrics` lists them",
                case_id(record.subject), metric_name);
  std::string text = fmt::format("{}\nrun {}, recorded {}, {}{}{}\n\n", case_id(record.subject),
                                 record.run_id, record.recorded_at, name_of(record.outcome),
                                 record.reason.empty() ? "" : ": ", record.reason);
  text += fmt::format("{}: {}", metric->name,
                      found->value ? quantity(*found->value, metric->unit) : "not available");
  if (found->low && found->high)
    text += fmt::format(", 95 % interval {} to {}, {}", quantity(*found->low, metric->unit),
                        quantity(*found->high, metric->unit), metrics::scope_of(*metric, record));
  if (!found->value) text += fmt::format(": {}", found->reason);
  text += fmt::format("\n  {} From {}.\n", metric->summary, metrics::source_text(*metric));
  text += launches_text(record, *metric, *found);
  if (!found->basis.empty()) text += fmt::format("  the figure is {}\n", found->basis);
  if (const std::string& stopped = record.manifest["stopped"].as_string(); !stopped.empty())
    text += fmt::format("  stopped {}\n", stopped);
  text += "\nIt depends on\n";
  for (const auto& [key, value] : record.manifest.as_object())
    text +=
        fmt::format("  {:<18} {}\n", key, value.is_string() ? value.as_string() : dump_json(value));
  return text;
}

}  // namespace qb::report
