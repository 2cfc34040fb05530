#include "metrics/metrics.h"

#include <algorithm>

#include "metrics/measures.h"

namespace qb::metrics {
namespace {

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
        if (rows[i].summary.empty() || rows[i].label.empty()) return false;
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

bool is_of_quality(const Metric& metric) {
  return metric.measure == quality_fact || metric.measure == output_distance;
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
