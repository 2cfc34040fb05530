// What a worker takes of the processor and of energy, and what probing that takes.
#include "results/metrics/launches.h"
#include "results/metrics/measures.h"

namespace qb::metrics {
namespace {

// Mean power of the processor packages while measuring.
Measurement package_power(const Record& record, const Metric& metric) {
  Measurement m = over_launches(record, metric, [&](const Launch& launch) {
    return quotient_of(launch, metric, 1e3);  // µJ/ns to W
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

// Why a figure of counted launches is missing: what the worker said of the counter (of "energy_uj"
// in "energy_reason"), or the fact that isn't there.
std::string why_no_joules(const Record& record, const Metric& metric) {
  const std::string_view counter = metric.fact.substr(0, metric.fact.find("_uj"));
  for (const Launch* launch : counted_launches(record, metric.kind)) {
    if (launch->facts[metric.fact].is_number()) return fmt::format("no launch has {}", metric.per);
    const Json& reason = launch->facts[fmt::format("{}_reason", counter)];
    if (reason.is_string()) return reason.as_string();
  }
  return fmt::format("no launch has {}", metric.fact);
}

// Joules for each of the launch's items, which the fact metric.per counts.
Measurement joules_per_item(const Record& record, const Metric& metric) {
  Measurement m = over_launches(record, metric, [&](const Launch& launch) {
    return quotient_of(launch, metric, 1e-6);  // µJ to J
  });
  if (!m.value && !counted_launches(record, metric.kind).empty())
    m.reason = why_no_joules(record, metric);
  return m;
}

constexpr Metric rows[] = {
    {.name = "cores_used",
     .unit = "1",
     .better = Better::neither,
     .label = "cores used",
     .summary = "Processor time of the worker over time, while measuring.",
     .fact = "cpu_time_ns",
     .per = "measure_time_ns",
     .measure = quotient_median},
    {.name = "package_power_w",
     .unit = "W",
     .better = Better::lower,
     .label = "power",
     .summary = "Mean power of the processor packages while measuring, all programs together.",
     .fact = "energy_uj",
     .per = "measure_time_ns",
     .measure = package_power},
    {.name = "package_power_w_above_idle",
     .unit = "W",
     .better = Better::lower,
     .label = "power above idle",
     .summary = "Mean power of the processor packages above that of the idle machine.",
     .fact = "energy_uj",
     .per = "measure_time_ns",
     .measure = power_above_idle},
    {.name = "joules_per_token",
     .unit = "J",
     .better = Better::lower,
     .label = "J/token",
     .summary = "Energy of the processor packages for a token, of the prompt or generated.",
     .fact = "energy_uj",
     .per = "measured_tokens",
     .measure = joules_per_item},
    {.name = "joules_per_generated_token",
     .unit = "J",
     .better = Better::lower,
     .label = "J/generated token",
     .summary = "Energy of the processor packages for a generated token, its share of the prompt "
                "included.",
     .fact = "energy_uj",
     .per = "measured_generated_tokens",
     .measure = joules_per_item},
    {.name = "joules_per_picture",
     .unit = "J",
     .better = Better::lower,
     .label = "J/picture",
     .summary = "Energy of the processor packages for a picture.",
     .fact = "energy_uj",
     .per = "measured_pictures",
     .measure = joules_per_item},
    {.name = "joules_per_sentence",
     .unit = "J",
     .better = Better::lower,
     .label = "J/sentence",
     .summary = "Energy of the processor packages for a sentence.",
     .fact = "energy_uj",
     .per = "measured_sentences",
     .measure = joules_per_item},
    {.name = "joules_per_run",
     .unit = "J",
     .better = Better::lower,
     .label = "J/run",
     .summary = "Energy of the processor packages for a run of a model file.",
     .fact = "energy_uj",
     .per = "measured_runs",
     .measure = joules_per_item},
    {.name = "dram_joules_per_token",
     .unit = "J",
     .better = Better::lower,
     .label = "memory J/token",
     .summary = "Energy of the memory, which packages leave out, for a token.",
     .fact = "energy_dram_uj",
     .per = "measured_tokens",
     .measure = joules_per_item},
    {.name = "dram_joules_per_generated_token",
     .unit = "J",
     .better = Better::lower,
     .label = "memory J/generated token",
     .summary = "Energy of the memory for a generated token, its share of the prompt included.",
     .fact = "energy_dram_uj",
     .per = "measured_generated_tokens",
     .measure = joules_per_item},
    {.name = "dram_joules_per_picture",
     .unit = "J",
     .better = Better::lower,
     .label = "memory J/picture",
     .summary = "Energy of the memory, which packages leave out, for a picture.",
     .fact = "energy_dram_uj",
     .per = "measured_pictures",
     .measure = joules_per_item},
    {.name = "dram_joules_per_sentence",
     .unit = "J",
     .better = Better::lower,
     .label = "memory J/sentence",
     .summary = "Energy of the memory, which packages leave out, for a sentence.",
     .fact = "energy_dram_uj",
     .per = "measured_sentences",
     .measure = joules_per_item},
    {.name = "dram_joules_per_run",
     .unit = "J",
     .better = Better::lower,
     .label = "memory J/run",
     .summary = "Energy of the memory, which packages leave out, for a run of a model file.",
     .fact = "energy_dram_uj",
     .per = "measured_runs",
     .measure = joules_per_item},
    {.name = "probe_share",
     .unit = "1",
     .better = Better::neither,
     .label = "probes",
     .summary = "What qbench's own probes took, before and after the timed part, as a share of it.",
     .fact = "probe_time_ns",
     .per = "measure_time_ns",
     .measure = quotient_median},
};

}  // namespace

std::span<const Metric> energy_metrics() { return rows; }

}  // namespace qb::metrics
