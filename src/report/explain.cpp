// One figure, from raw samples to its interval.
#include <algorithm>

#include "base/units.h"
#include "metrics/launches.h"
#include "metrics/metrics.h"
#include "report/report.h"
#include "stats/bootstrap.h"

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

// A launch's raw samples: how many count for how many, their median and its interval.
std::string samples_text(const SampleSeries& series) {
  const std::vector<double> values(series.duration_ns.begin(), series.duration_ns.end());
  std::string text =
      fmt::format("{} samples, median {}", values.size(), quantity(stats::median(values), "ns"));
  const double effective = stats::effective_sample_size(values);
  if (effective < static_cast<double>(values.size()) / 2.0)
    text += fmt::format(", neighbours depend on each other: worth {:.0f}", effective);
  constexpr size_t resampled_count_max = 20'000;  // of more it would take minutes
  if (values.size() > resampled_count_max) return text;
  if (const auto interval =
          stats::block_bootstrap_interval(values, stats::median, {.resample_count = 999}))
    text += fmt::format(", within this launch {} to {}", quantity(interval->low, "ns"),
                        quantity(interval->high, "ns"));
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
  const std::string_view kind = metrics::is_of_quality(metric) ? "quality" : "speed";
  const auto counted = metrics::counted_launches(record, kind);
  std::string text;
  for (const Launch& launch : record.launches) {
    if (launch.kind != kind) continue;
    const auto place = std::ranges::find(counted, &launch);
    text += fmt::format("  launch {}{}: {}", launch.index % repeat_offset,
                        launch.index >= repeat_offset ? " again" : "", name_of(launch.outcome));
    if (!launch.reason.empty()) text += fmt::format(", {}", launch.reason);
    const auto index = static_cast<size_t>(place - counted.begin());
    if (place != counted.end() && index < measurement.launch_values.size())
      text += fmt::format(", {}", quantity(measurement.launch_values[index], metric.unit));
    if (launch.facts["contention"].is_string())
      text += fmt::format("\n    disturbed: {}{}", launch.facts["contention"].as_string(),
                          place == counted.end() ? "; measured again, so it doesn't count" : "");
    for (const SampleSeries& series : launch.samples)
      if (series.phase == metric.source && !series.duration_ns.empty())
        text += fmt::format("\n    {}: {}; {}", series.phase, samples_text(series),
                            settling_text(launch));
    text += probes_text(launch) + "\n";
  }
  return text;
}

std::string rule_text(const Measurement& measurement, const metrics::Metric& metric) {
  const size_t count = measurement.launch_values.size();
  if (count == 0) return {};
  std::vector<double> sorted = measurement.launch_values;
  std::ranges::sort(sorted);
  std::string text =
      fmt::format("  the figure is the median of {} launch{}", count, count == 1 ? "" : "es");
  if (measurement.low && measurement.high)
    text += fmt::format(
        "; its 95 % interval is from the {}th to the {}th of them in order (order statistics)",
        std::ranges::find(sorted, *measurement.low) - sorted.begin() + 1,
        std::ranges::find(sorted, *measurement.high) - sorted.begin() + 1);
  else
    text += "; six are needed for a 95 % interval of a median";
  if (const auto interval = stats::bca_interval(sorted, stats::mean))
    text +=
        fmt::format("\n  their mean is {}, 95 % interval {} to {} (BCa bootstrap)",
                    quantity(stats::mean(sorted), metric.unit),
                    quantity(interval->low, metric.unit), quantity(interval->high, metric.unit));
  return text + "\n";
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
    text += fmt::format(", 95 % interval {} to {}", quantity(*found->low, metric->unit),
                        quantity(*found->high, metric->unit));
  if (!found->value) text += fmt::format(": {}", found->reason);
  text += fmt::format("\n  {} From {}.\n", metric->summary, metric->source);
  text += launches_text(record, *metric, *found);
  text += rule_text(*found, *metric);
  if (const std::string& stopped = record.manifest["stopped"].as_string(); !stopped.empty())
    text += fmt::format("  stopped {}\n", stopped);
  text += "\nIt depends on\n";
  for (const auto& [key, value] : record.manifest.as_object())
    text +=
        fmt::format("  {:<18} {}\n", key, value.is_string() ? value.as_string() : dump_json(value));
  return text;
}

}  // namespace qb::report
