// Speed: how long phases take, and how much is done in a second.
#include <algorithm>

#include "results/metrics/launches.h"
#include "results/metrics/measures.h"
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

Measurement phase_median(const Record& record, const Metric& metric) {
  return over_launches(record, metric, [&](const Launch& launch) -> std::optional<double> {
    const SampleSeries* series = find_series(launch, metric.phase);
    if (!series) return std::nullopt;
    return stats::median(as_doubles(series->duration_ns));
  });
}

// Whole generations of a launch: the first token and the steps after it.
Measurement generation_median(const Record& record, const Metric& metric) {
  const auto steps = static_cast<size_t>(
      std::max<int64_t>(0, record.subject.workload.integer(metric.axis, 1) - 1));
  return over_launches(record, metric, [&](const Launch& launch) -> std::optional<double> {
    const SampleSeries* first = find_series(launch, metric.phase);
    const SampleSeries* decode = find_series(launch, "decode");
    if (!first || (steps > 0 && !decode)) return std::nullopt;
    std::vector<double> totals = as_doubles(first->duration_ns);
    for (size_t i = 0; i < totals.size() * steps && i < decode->duration_ns.size(); ++i)
      totals[i / steps] += static_cast<double>(decode->duration_ns[i]);
    return stats::median(totals);
  });
}

// Items in a second, by the mean duration of a launch's samples.
Measurement rate(const Record& record, const Metric& metric) {
  const Workload& workload = record.subject.workload;
  const int64_t count =
      workload.batch() * (metric.axis.empty() ? 1 : workload.integer(metric.axis));
  return over_launches(record, metric, [&](const Launch& launch) -> std::optional<double> {
    const SampleSeries* series = find_series(launch, metric.phase);
    if (!series) return std::nullopt;
    return static_cast<double>(count) * 1e9 / stats::mean(as_doubles(series->duration_ns));
  });
}

// A percentile of all launches' samples together, once there are enough of them.
Measurement percentile(const Record& record, const Metric& metric) {
  const double q = metric.quantile;
  std::vector<double> values;
  Measurement m =
      with_launch_values(record, metric, [&](const Launch& launch) -> std::optional<double> {
        const SampleSeries* series = find_series(launch, metric.phase);
        if (!series) return std::nullopt;
        values.insert(values.end(), series->duration_ns.begin(), series->duration_ns.end());
        return stats::quantile(as_doubles(series->duration_ns), q);
      });
  if (values.empty()) return absent(why_absent(record, metric));
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

Measurement arrival_median(const Record& record, const Metric& metric) {
  return while_in_pace(record, metric, phase_median);
}

Measurement arrival_percentile(const Record& record, const Metric& metric) {
  return while_in_pace(record, metric, percentile);
}

constexpr Metric rows[] = {
    {.name = "load_ns",
     .unit = "ns",
     .better = Better::lower,
     .label = "load",
     .summary = "Mapping the bundle.",
     .phase = "load",
     .measure = phase_median},
    {.name = "compile_ns",
     .unit = "ns",
     .better = Better::lower,
     .label = "compile",
     .summary = "From the mapped bundle, or the model file, to a session that can run.",
     .phase = "compile",
     .measure = phase_median},
    {.name = "first_run_ns",
     .unit = "ns",
     .better = Better::lower,
     .label = "first run",
     .summary = "The first step of a fresh process, before any warm-up.",
     .phase = "first_run",
     .measure = phase_median},
    {.name = "prefill_tokens_per_s",
     .unit = "tokens/s",
     .better = Better::higher,
     .label = "prefill",
     .summary = "Prompt tokens processed in a second.",
     .phase = "prefill",
     .axis = "prompt_tokens",
     .measure = rate},
    {.name = "time_to_first_token_ns_p50",
     .unit = "ns",
     .better = Better::lower,
     .label = "TTFT",
     .summary = "Prefill and the choice of the first token.",
     .phase = "time_to_first_token",
     .measure = phase_median},
    {.name = "decode_tokens_per_s",
     .unit = "tokens/s",
     .better = Better::higher,
     .label = "decode",
     .summary = "Tokens generated in a second, after the first.",
     .phase = "decode",
     .measure = rate},
    {.name = "decode_ns_p50",
     .unit = "ns",
     .better = Better::lower,
     .label = "inter-token p50",
     .summary = "Median inter-token latency: the time of a decode step.",
     .phase = "decode",
     .measure = phase_median},
    {.name = "decode_ns_p90",
     .unit = "ns",
     .better = Better::lower,
     .label = "inter-token p90",
     .summary = "Nine of ten inter-token latencies are shorter.",
     .phase = "decode",
     .quantile = 0.90,
     .measure = percentile},
    {.name = "decode_ns_p99",
     .unit = "ns",
     .better = Better::lower,
     .label = "inter-token p99",
     .summary = "99 of 100 inter-token latencies are shorter.",
     .phase = "decode",
     .quantile = 0.99,
     .measure = percentile},
    {.name = "generation_ns_p50",
     .unit = "ns",
     .better = Better::lower,
     .label = "end to end",
     .summary = "Median time from the prompt to the last generated token.",
     .phase = "time_to_first_token",
     .axis = "generated_tokens",
     .measure = generation_median},
    {.name = "arrival_latency_ns_p50",
     .unit = "ns",
     .better = Better::lower,
     .label = "latency p50",
     .summary = "Median time of a request at a fixed rate of arrival, from its intended start.",
     .phase = "arrival_latency",
     .measure = arrival_median},
    {.name = "arrival_latency_ns_p90",
     .unit = "ns",
     .better = Better::lower,
     .label = "latency p90",
     .summary = "Nine of ten requests at a fixed rate of arrival are answered sooner.",
     .phase = "arrival_latency",
     .quantile = 0.90,
     .measure = arrival_percentile},
    {.name = "arrival_latency_ns_p99",
     .unit = "ns",
     .better = Better::lower,
     .label = "latency p99",
     .summary = "99 of 100 requests at a fixed rate of arrival are answered sooner.",
     .phase = "arrival_latency",
     .quantile = 0.99,
     .measure = arrival_percentile},
    {.name = "arrivals_served_per_s",
     .unit = "requests/s",
     .better = Better::higher,
     .label = "served",
     .summary = "Requests answered in a second at a fixed rate of arrival.",
     .fact = "served_per_s",
     .measure = fact_median},
    {.name = "inference_ns_p50",
     .unit = "ns",
     .better = Better::lower,
     .label = "inference p50",
     .summary = "Median time of one inference.",
     .phase = "inference",
     .measure = phase_median},
    {.name = "inference_ns_p90",
     .unit = "ns",
     .better = Better::lower,
     .label = "inference p90",
     .summary = "Nine of ten inferences are faster.",
     .phase = "inference",
     .quantile = 0.90,
     .measure = percentile},
    {.name = "inference_ns_p99",
     .unit = "ns",
     .better = Better::lower,
     .label = "inference p99",
     .summary = "99 of 100 inferences are faster.",
     .phase = "inference",
     .quantile = 0.99,
     .measure = percentile},
    {.name = "pictures_per_s",
     .unit = "pictures/s",
     .better = Better::higher,
     .label = "pictures",
     .summary = "Pictures classified in a second, one batch after another.",
     .phase = "inference",
     .measure = rate},
    {.name = "class_text_ns_p50",
     .unit = "ns",
     .better = Better::lower,
     .label = "class text",
     .summary = "Median time to make one class's text into its vector, as long as texts may be; "
                "once a class, whatever the number of pictures.",
     .phase = "class_text",
     .measure = phase_median},
    {.name = "sentences_per_s",
     .unit = "sentences/s",
     .better = Better::higher,
     .label = "sentences",
     .summary = "Sentences made into vectors in a second, one batch after another.",
     .phase = "inference",
     .measure = rate},
    {.name = "inferences_per_s",
     .unit = "inferences/s",
     .better = Better::higher,
     .label = "throughput",
     .summary = "Runs of a model file in a second, one after another.",
     .phase = "inference",
     .measure = rate},
};

}  // namespace

std::span<const Metric> speed_metrics() { return rows; }

}  // namespace qb::metrics
