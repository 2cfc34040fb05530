#include "metrics/metrics.h"

#include <algorithm>
#include <functional>

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

Measurement phase_median(const Record& record, const Metric& metric) {
  return over_launches(record, metric, "speed", [&](const Launch& launch) -> std::optional<double> {
    const SampleSeries* series = find_series(launch, metric.source);
    if (!series) return std::nullopt;
    return stats::median(as_doubles(series->duration_ns));
  });
}

// Items in a second: `count` of them each sample, by the mean duration of a launch's samples.
Measurement rate(const Record& record, const Metric& metric, int64_t count) {
  return over_launches(record, metric, "speed", [&](const Launch& launch) -> std::optional<double> {
    const SampleSeries* series = find_series(launch, metric.source);
    if (!series) return std::nullopt;
    return static_cast<double>(count) * 1e9 / stats::mean(as_doubles(series->duration_ns));
  });
}

// Whole generations of a launch: the first token and the steps after it.
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
Measurement p90(const Record& record, const Metric& metric) {
  return percentile(record, metric, 0.90);
}
Measurement p99(const Record& record, const Metric& metric) {
  return percentile(record, metric, 0.99);
}

std::optional<double> fact_of(const Launch& launch, std::string_view name) {
  const Json& fact = launch.facts[name];
  if (!fact.is_number()) return std::nullopt;
  return fact.as_double();
}

Measurement speed_fact(const Record& record, const Metric& metric) {
  return over_launches(record, metric, "speed",
                       [&](const Launch& launch) { return fact_of(launch, metric.source); });
}

// The larger of compiling and running, or that of the process's life where the system tells only
// it.
Measurement peak_memory(const Record& record, const Metric& metric) {
  return over_launches(record, metric, "speed", [](const Launch& launch) -> std::optional<double> {
    const auto run = fact_of(launch, "rss_bytes_peak_run");
    if (!run) return fact_of(launch, "rss_bytes_peak_life");
    return std::max(*run, fact_of(launch, "rss_bytes_peak_compile").value_or(*run));
  });
}

// Mean power of the processor packages while measuring.
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

// The same above what the packages took before the run, when nothing was measured.
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
  return over_launches(record, metric, "speed", [&](const Launch& launch) -> std::optional<double> {
    const auto part_ns = fact_of(launch, metric.source);
    const auto time_ns = fact_of(launch, "measure_time_ns");
    if (!part_ns || !time_ns || *time_ns <= 0) return std::nullopt;
    return *part_ns / *time_ns;
  });
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
Measurement arrival_p90(const Record& record, const Metric& metric) {
  return while_in_pace(record, metric, p90);
}
Measurement arrival_p99(const Record& record, const Metric& metric) {
  return while_in_pace(record, metric, p99);
}

// A quality figure; where the worker gave a standard error, 1.96 of it each way is the interval.
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

// A distance between the outputs of two files; why there is none, where the worker or the campaign
// says so.
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

constexpr Metric rows[] = {
    {.name = "load_ns",
     .unit = "ns",
     .better = Better::lower,
     .label = "load",
     .summary = "Mapping the bundle.",
     .source = "load",
     .measure = phase_median},
    {.name = "compile_ns",
     .unit = "ns",
     .better = Better::lower,
     .label = "compile",
     .summary = "From the mapped bundle, or the model file, to a session that can run.",
     .source = "compile",
     .measure = phase_median},
    {.name = "first_run_ns",
     .unit = "ns",
     .better = Better::lower,
     .label = "first run",
     .summary = "The first step of a fresh process, before any warm-up.",
     .source = "first_run",
     .measure = phase_median},
    {.name = "prefill_tokens_per_s",
     .unit = "tokens/s",
     .better = Better::higher,
     .label = "prefill",
     .summary = "Prompt tokens processed in a second.",
     .source = "prefill",
     .measure = prefill_rate},
    {.name = "time_to_first_token_ns_p50",
     .unit = "ns",
     .better = Better::lower,
     .label = "TTFT",
     .summary = "Prefill and the choice of the first token.",
     .source = "time_to_first_token",
     .measure = phase_median},
    {.name = "decode_tokens_per_s",
     .unit = "tokens/s",
     .better = Better::higher,
     .label = "decode",
     .summary = "Tokens generated in a second, after the first.",
     .source = "decode",
     .measure = batch_rate},
    {.name = "decode_ns_p50",
     .unit = "ns",
     .better = Better::lower,
     .label = "inter-token p50",
     .summary = "Median inter-token latency: the time of a decode step.",
     .source = "decode",
     .measure = phase_median},
    {.name = "decode_ns_p90",
     .unit = "ns",
     .better = Better::lower,
     .label = "inter-token p90",
     .summary = "Nine of ten inter-token latencies are shorter.",
     .source = "decode",
     .measure = p90},
    {.name = "decode_ns_p99",
     .unit = "ns",
     .better = Better::lower,
     .label = "inter-token p99",
     .summary = "99 of 100 inter-token latencies are shorter.",
     .source = "decode",
     .measure = p99},
    {.name = "generation_ns_p50",
     .unit = "ns",
     .better = Better::lower,
     .label = "end to end",
     .summary = "Median time from the prompt to the last generated token.",
     .source = "time_to_first_token",
     .measure = generation_median},
    {.name = "arrival_latency_ns_p50",
     .unit = "ns",
     .better = Better::lower,
     .label = "latency p50",
     .summary = "Median time of a request at a fixed rate of arrival, from its intended start.",
     .source = "arrival_latency",
     .measure = arrival_median},
    {.name = "arrival_latency_ns_p90",
     .unit = "ns",
     .better = Better::lower,
     .label = "latency p90",
     .summary = "Nine of ten requests at a fixed rate of arrival are answered sooner.",
     .source = "arrival_latency",
     .measure = arrival_p90},
    {.name = "arrival_latency_ns_p99",
     .unit = "ns",
     .better = Better::lower,
     .label = "latency p99",
     .summary = "99 of 100 requests at a fixed rate of arrival are answered sooner.",
     .source = "arrival_latency",
     .measure = arrival_p99},
    {.name = "arrivals_served_per_s",
     .unit = "requests/s",
     .better = Better::higher,
     .label = "served",
     .summary = "Requests answered in a second at a fixed rate of arrival.",
     .source = "served_per_s",
     .measure = speed_fact},
    {.name = "inference_ns_p50",
     .unit = "ns",
     .better = Better::lower,
     .label = "inference p50",
     .summary = "Median time of one inference.",
     .source = "inference",
     .measure = phase_median},
    {.name = "inference_ns_p90",
     .unit = "ns",
     .better = Better::lower,
     .label = "inference p90",
     .summary = "Nine of ten inferences are faster.",
     .source = "inference",
     .measure = p90},
    {.name = "inference_ns_p99",
     .unit = "ns",
     .better = Better::lower,
     .label = "inference p99",
     .summary = "99 of 100 inferences are faster.",
     .source = "inference",
     .measure = p99},
    {.name = "pictures_per_s",
     .unit = "pictures/s",
     .better = Better::higher,
     .label = "pictures",
     .summary = "Pictures classified in a second, one batch after another.",
     .source = "inference",
     .measure = batch_rate},
    {.name = "inferences_per_s",
     .unit = "inferences/s",
     .better = Better::higher,
     .label = "throughput",
     .summary = "Runs of a model file in a second, one after another.",
     .source = "inference",
     .measure = batch_rate},
    {.name = "rss_bytes_peak",
     .unit = "B",
     .better = Better::lower,
     .label = "peak memory",
     .summary = "Largest resident memory of the worker while compiling or running.",
     .source = "rss_bytes_peak_run",
     .measure = peak_memory},
    {.name = "rss_bytes_steady",
     .unit = "B",
     .better = Better::lower,
     .label = "steady memory",
     .summary = "Resident memory of the worker after the timed loop.",
     .source = "rss_bytes_steady",
     .measure = speed_fact},
    {.name = "rss_bytes_weights",
     .unit = "B",
     .better = Better::lower,
     .label = "weights in memory",
     .summary = "Resident memory of the mapped weights and of what compiling added to it.",
     .source = "rss_bytes_weights",
     .measure = speed_fact},
    {.name = "rss_bytes_scratch",
     .unit = "B",
     .better = Better::lower,
     .label = "scratch memory",
     .summary = "What running adds to resident memory at its peak, mapped files apart.",
     .source = "rss_bytes_scratch",
     .measure = speed_fact},
    {.name = "cores_used",
     .unit = "1",
     .better = Better::neither,
     .label = "cores used",
     .summary = "Processor time of the worker over time, while measuring.",
     .source = "cpu_time_ns",
     .measure = share_of_time},
    {.name = "package_power_w",
     .unit = "W",
     .better = Better::lower,
     .label = "power",
     .summary = "Mean power of the processor packages while measuring, all programs together.",
     .source = "energy_uj",
     .measure = package_power},
    {.name = "package_power_w_above_idle",
     .unit = "W",
     .better = Better::lower,
     .label = "power above idle",
     .summary = "Mean power of the processor packages above that of the idle machine.",
     .source = "energy_uj",
     .measure = power_above_idle},
    {.name = "probe_share",
     .unit = "1",
     .better = Better::neither,
     .label = "probes",
     .summary = "What qbench's own probes took, before and after the timed part, as a share of it.",
     .source = "probe_time_ns",
     .measure = share_of_time},
    {.name = "bundle_bytes",
     .unit = "B",
     .better = Better::lower,
     .label = "on disk",
     .summary = "Bytes on disk of the weights in this scheme, or of a model file.",
     .source = "bundle_bytes",
     .measure = speed_fact},
    {.name = "perplexity",
     .unit = "1",
     .better = Better::lower,
     .label = "perplexity",
     .summary = "exp of the mean negative log likelihood of a real text's tokens.",
     .source = "perplexity",
     .measure = quality_fact},
    {.name = "top1_accuracy",
     .unit = "1",
     .better = Better::higher,
     .label = "top-1",
     .summary = "Share of labelled pictures whose likeliest class is right.",
     .source = "top1_accuracy",
     .measure = quality_fact},
    {.name = "top5_accuracy",
     .unit = "1",
     .better = Better::higher,
     .label = "top-5",
     .summary = "Share of labelled pictures with a right class among the five likeliest.",
     .source = "top5_accuracy",
     .measure = quality_fact},
    {.name = "top1_agreement",
     .unit = "1",
     .better = Better::higher,
     .label = "agreement",
     .summary = "Share of answers that equal those of the unquantized weights.",
     .source = "top1_agreement",
     .measure = quality_fact},
    {.name = "kl_divergence",
     .unit = "nats",
     .better = Better::lower,
     .label = "KL",
     .summary = "Mean KL divergence of the answers from those of the unquantized weights.",
     .source = "kl_divergence",
     .measure = quality_fact},
    {.name = "logit_cosine",
     .unit = "1",
     .better = Better::higher,
     .label = "logit cosine",
     .summary = "Mean cosine between the logits and those of the unquantized weights.",
     .source = "logit_cosine",
     .measure = quality_fact},
    {.name = "logit_max_abs_difference",
     .unit = "1",
     .better = Better::lower,
     .label = "max logit difference",
     .summary = "Largest difference of a logit from that of the unquantized weights.",
     .source = "logit_max_abs_difference",
     .measure = quality_fact},
    {.name = "output_max_abs_difference",
     .unit = "1",
     .better = Better::lower,
     .label = "max difference",
     .summary = "Largest difference of an output's value from the first file's.",
     .source = "output_max_abs_difference",
     .measure = output_distance},
    {.name = "output_relative_rms",
     .unit = "1",
     .better = Better::lower,
     .label = "relative RMS",
     .summary = "Root mean square of the outputs' differences from the first file's, over that of "
                "its outputs; of the output where it is largest.",
     .source = "output_relative_rms",
     .measure = output_distance},
    {.name = "output_cosine",
     .unit = "1",
     .better = Better::higher,
     .label = "cosine",
     .summary = "Cosine between the outputs and the first file's, of the output where it is least.",
     .source = "output_cosine",
     .measure = output_distance},
};

static_assert(
    [] {
      for (size_t i = 0; i < std::size(rows); ++i) {
        if (!rows[i].measure || rows[i].summary.empty() || rows[i].label.empty()) return false;
        for (size_t j = 0; j < i; ++j)
          if (rows[j].name == rows[i].name) return false;
      }
      return true;
    }(),
    "names are unique and rows complete");

// Of a model file: what can be told of any model. Of others: not what is told of files alone.
bool applies_to_file(const Metric& metric) {
  static constexpr std::string_view others[] = {"load_ns", "pictures_per_s", "generation_ns_p50"};
  return std::ranges::find(others, metric.name) == std::end(others) &&
         metric.measure != quality_fact;
}
bool is_for_files_only(const Metric& metric) {
  return metric.name == "inferences_per_s" || metric.measure == output_distance;
}

// Whether a metric says something about the record's task at all.
bool applies(const Metric& metric, const Record& record) {
  if (is_file(record.subject) ? !applies_to_file(metric) : is_for_files_only(metric)) return false;
  static constexpr std::string_view language[] = {"prefill", "decode", "time_to_first_token",
                                                  "perplexity"};
  static constexpr std::string_view vision[] = {"inference", "top1_accuracy", "top5_accuracy"};
  static constexpr std::string_view open[] = {"arrival_latency", "served_per_s"};
  const bool is_language = record.subject.workload.prompt_tokens > 0;
  const auto has = [&](std::span<const std::string_view> sources) {
    return std::ranges::find(sources, metric.source) != sources.end();
  };
  if (has(open)) return record.subject.workload.arrivals_per_s > 0.0;
  return !has(is_language ? std::span<const std::string_view>(vision) : language);
}

}  // namespace

std::string_view name_of(Better better) {
  return better == Better::lower ? "lower" : better == Better::higher ? "higher" : "neither";
}

std::span<const Metric> metrics() { return rows; }

const Metric* find_metric(std::string_view name) {
  const auto found = std::ranges::find(rows, name, &Metric::name);
  return found == std::end(rows) ? nullptr : found;
}

std::vector<Measurement> measure(const Record& record) {
  std::vector<Measurement> measurements;
  for (const Metric& metric : rows) {
    if (!applies(metric, record)) continue;
    Measurement measurement = metric.measure(record, metric);
    measurement.name = metric.name;
    measurements.push_back(std::move(measurement));
  }
  return measurements;
}

}  // namespace qb::metrics
