// Quality: what the quality launch told, and what the intervals of it are made from.
#include <algorithm>
#include <cmath>

#include "results/metrics/launches.h"
#include "results/metrics/measures.h"
#include "stats/chunks.h"
#include "stats/intervals.h"

namespace qb::metrics {
namespace {

// With fewer tokens an interval of the text holds too seldom (bench/interval_coverage.cpp).
constexpr size_t share_tokens_min = 128;
constexpr size_t perplexity_tokens_min = 512;
constexpr size_t perplexity_ratio_tokens_min = 256;
constexpr size_t kl_rows_min = 512;

std::string why_unjudged(const Record& record, std::string_view source) {
  for (const Launch& launch : record.launches)
    if (launch.kind == "quality" && launch.outcome != Outcome::ok) return launch.reason;
  if (record.manifest["weights"].as_string() == "synthetic")
    return "the weights are synthetic, so task quality means nothing";
  if (record.manifest["quality_problem"].is_string())
    return record.manifest["quality_problem"].as_string();
  if (!counted_launches(record, "quality").empty())
    return fmt::format("the launch that measured quality tells no {}", source);
  return "quality was not measured";
}

// The launch that has the figure; null when none does.
const Launch* judged(const Record& record, std::string_view source) {
  for (const Launch* launch : counted_launches(record, "quality"))
    if (fact_of(*launch, source)) return launch;
  return nullptr;
}

std::string_view items_of(const Record& record) { return task_of(record.subject).item; }

// How many items were judged; 0 when the launch doesn't tell.
size_t item_count(const Launch& launch, const Record& record) {
  const auto count = fact_of(launch, task_of(record.subject).item_fact);
  return count && *count > 0.0 ? static_cast<size_t>(*count) : 0;
}

std::vector<double> chunks_of(const Launch& launch, std::string_view source) {
  std::vector<double> chunks;
  for (const Json& item : launch.facts[fmt::format("{}_chunks", source)].as_array())
    if (item.is_number()) chunks.push_back(item.as_double());
  if (chunks.size() != stats::chunk_count) chunks.clear();
  return chunks;
}

void set_interval(Measurement& m, const stats::Interval& interval, std::string_view how) {
  m.low = interval.low;
  m.high = interval.high;
  m.basis += fmt::format("; 95 % interval {}", how);
}

// A figure whose interval, if the text allows one, is `interval_of` its chunks.
template <typename IntervalOf>
Measurement over_chunks(const Record& record, const Metric& metric, size_t count_min,
                        std::string_view source, IntervalOf&& interval_of) {
  const Launch* launch = judged(record, metric.fact);
  if (!launch) return absent(why_unjudged(record, metric.fact));
  const size_t count = item_count(*launch, record);
  Measurement m = {.value = fact_of(*launch, metric.fact),
                   .basis = fmt::format("over {} {}", count, items_of(record))};
  const std::vector<double> chunks = chunks_of(*launch, source);
  if (count < count_min)
    m.basis += fmt::format("; no interval: it needs {}", count_min);
  else if (chunks.empty())
    m.basis += "; no interval: the launch tells no means of chunks, as earlier versions did not";
  else if (const auto interval = interval_of(chunks, *m.value, count))
    set_interval(m, *interval, "by Student's t over chunks of neighbours");
  else
    m.basis += "; no interval: the chunks are all alike";
  return m;
}

std::optional<stats::Interval> exp_of(const std::optional<stats::Interval>& logs) {
  if (!logs) return std::nullopt;
  return stats::Interval{std::exp(logs->low), std::exp(logs->high)};
}

// Figures that vary with the text or the pictures have a 95 % interval where there is enough of it:
// shares (Wilson), perplexity, its ratio and KL (Student's t over chunks of the text).

Measurement share(const Record& record, const Metric& metric) {
  const Launch* launch = judged(record, metric.fact);
  if (!launch) return absent(why_unjudged(record, metric.fact));
  const size_t count = item_count(*launch, record);
  Measurement m = {.value = fact_of(*launch, metric.fact),
                   .basis = fmt::format("the share of {} {}", count, items_of(record))};
  if (const auto tied = fact_of(*launch, "tied_row_count"); tied && *tied > 0.0)
    m.basis += fmt::format(", {:.0f} of which have no single likeliest answer and count against it",
                           *tied);
  const std::vector<double> chunks = chunks_of(*launch, metric.fact);
  if (count == 0 || *m.value < 0.0 || *m.value > 1.0) {
    m.basis += "; no interval: their number isn't told";
  } else if (!task_of(record.subject).are_items_dependent) {
    set_interval(m, stats::wilson_interval(*m.value, static_cast<double>(count)),
                 "by Wilson's rule");
  } else if (count < share_tokens_min) {
    m.basis += fmt::format("; no interval: it needs {}", share_tokens_min);
  } else if (chunks.empty()) {
    m.basis += "; no interval: the launch tells no means of chunks, as earlier versions did not";
  } else {
    const double worth = stats::effective_count(chunks, *m.value, count);
    set_interval(m, stats::wilson_interval(*m.value, worth),
                 fmt::format("by Wilson's rule; neighbours depend on each other, so they are worth "
                             "{:.0f} independent ones",
                             worth));
  }
  return m;
}

Measurement perplexity(const Record& record, const Metric& metric) {
  return over_chunks(record, metric, perplexity_tokens_min, "nll",
                     [](const auto& chunks, double value, size_t count) {
                       return exp_of(stats::chunks_interval(chunks, std::log(value), count));
                     });
}

// exp of the mean difference of the tokens' negative log likelihoods.
Measurement perplexity_ratio(const Record& record, const Metric& metric) {
  Measurement m = over_chunks(record, metric, perplexity_ratio_tokens_min, metric.fact,
                              [](const auto& chunks, double value, size_t count) {
                                return exp_of(stats::chunks_interval(chunks, value, count));
                              });
  if (m.value) m.value = std::exp(*m.value);
  return m;
}

Measurement kl_divergence(const Record& record, const Metric& metric) {
  return over_chunks(record, metric, kl_rows_min, metric.fact,
                     [](const auto& chunks, double value, size_t count) {
                       return stats::chunks_log_interval(chunks, value, count);
                     });
}

Measurement quality_fact(const Record& record, const Metric& metric) {
  const Launch* launch = judged(record, metric.fact);
  if (!launch) return absent(why_unjudged(record, metric.fact));
  return {.value = fact_of(*launch, metric.fact),
          .basis = fmt::format("over {} {}; no interval is made for it",
                               item_count(*launch, record), items_of(record))};
}

// A distance between the outputs of two files; why there is none, where the worker or the campaign
// says so.
Measurement output_distance(const Record& record, const Metric& metric) {
  if (const Launch* launch = judged(record, metric.fact))
    return {.value = fact_of(*launch, metric.fact),
            .basis = "the worst of the outputs; no interval is made for it"};
  const Json& no_baseline = record.manifest["quality_problem"];
  std::string reason = no_baseline.is_string()
                           ? no_baseline.as_string()
                           : "there is no other file to compare the outputs with";
  for (const Launch& launch : record.launches) {
    const Json& problem = launch.facts["comparison_problem"];
    if (problem.is_string()) reason = problem.as_string();
    if (launch.kind == "quality" && launch.outcome != Outcome::ok) reason = launch.reason;
  }
  return absent(std::move(reason));
}

constexpr Metric rows[] = {
    {.name = "perplexity",
     .unit = "1",
     .better = Better::lower,
     .label = "perplexity",
     .summary = "exp of the mean negative log likelihood of a real text's tokens.",
     .kind = "quality",
     .fact = "perplexity",
     .measure = perplexity},
    {.name = "perplexity_ratio",
     .unit = "1",
     .better = Better::lower,
     .label = "perplexity ratio",
     .summary = "Perplexity over that of the unquantized weights, token by token on the same text.",
     .kind = "quality",
     .fact = "nll_difference",
     .measure = perplexity_ratio},
    {.name = "top1_accuracy",
     .unit = "1",
     .better = Better::higher,
     .label = "top-1",
     .summary = "Share of labelled pictures whose likeliest class is right.",
     .kind = "quality",
     .fact = "top1_accuracy",
     .measure = share},
    {.name = "top5_accuracy",
     .unit = "1",
     .better = Better::higher,
     .label = "top-5",
     .summary = "Share of labelled pictures with a right class among the five likeliest.",
     .kind = "quality",
     .fact = "top5_accuracy",
     .measure = share},
    {.name = "top1_agreement",
     .unit = "1",
     .better = Better::higher,
     .label = "agreement",
     .summary =
         "Share of answers that equal those of the unquantized weights; a sentence's answer is "
         "the sentence whose vector is nearest.",
     .kind = "quality",
     .fact = "top1_agreement",
     .measure = share},
    {.name = "kl_divergence",
     .unit = "nats",
     .better = Better::lower,
     .label = "KL",
     .summary = "Mean KL divergence of the answers from those of the unquantized weights.",
     .kind = "quality",
     .fact = "kl_divergence",
     .measure = kl_divergence},
    {.name = "logit_cosine",
     .unit = "1",
     .better = Better::higher,
     .label = "logit cosine",
     .summary = "Mean cosine between the logits and those of the unquantized weights.",
     .kind = "quality",
     .fact = "logit_cosine",
     .measure = quality_fact},
    {.name = "logit_max_abs_difference",
     .unit = "1",
     .better = Better::lower,
     .label = "max logit difference",
     .summary = "Largest difference of a logit from that of the unquantized weights.",
     .kind = "quality",
     .fact = "logit_max_abs_difference",
     .measure = quality_fact},
    {.name = "embedding_cosine",
     .unit = "1",
     .better = Better::higher,
     .label = "vector cosine",
     .summary = "Mean cosine between sentences' vectors and those of the unquantized weights.",
     .kind = "quality",
     .fact = "embedding_cosine",
     .measure = quality_fact},
    {.name = "embedding_cosine_min",
     .unit = "1",
     .better = Better::higher,
     .label = "least cosine",
     .summary = "Cosine of the sentence whose vector is farthest from that of the unquantized "
                "weights.",
     .kind = "quality",
     .fact = "embedding_cosine_min",
     .measure = quality_fact},
    {.name = "top10_overlap",
     .unit = "1",
     .better = Better::higher,
     .label = "top-10 kept",
     .summary = "Mean share of a sentence's ten nearest that the unquantized weights find too.",
     .kind = "quality",
     .fact = "top10_overlap",
     .measure = quality_fact},
    {.name = "rank_correlation",
     .unit = "1",
     .better = Better::higher,
     .label = "rank correlation",
     .summary =
         "Mean over sentences of Spearman's correlation between the order in which all others "
         "are found and that of the unquantized weights.",
     .kind = "quality",
     .fact = "rank_correlation",
     .measure = quality_fact},
    {.name = "output_max_abs_difference",
     .unit = "1",
     .better = Better::lower,
     .label = "max difference",
     .summary = "Largest difference of an output's value from the first file's.",
     .kind = "quality",
     .fact = "output_max_abs_difference",
     .measure = output_distance},
    {.name = "output_relative_rms",
     .unit = "1",
     .better = Better::lower,
     .label = "relative RMS",
     .summary = "Root mean square of the outputs' differences from the first file's, over that of "
                "its outputs; of the output where it is largest.",
     .kind = "quality",
     .fact = "output_relative_rms",
     .measure = output_distance},
    {.name = "output_cosine",
     .unit = "1",
     .better = Better::higher,
     .label = "cosine",
     .summary = "Cosine between the outputs and the first file's, of the output where it is least.",
     .kind = "quality",
     .fact = "output_cosine",
     .measure = output_distance},
};

}  // namespace

std::span<const Metric> quality_metrics() { return rows; }

}  // namespace qb::metrics
