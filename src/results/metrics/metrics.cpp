#include "results/metrics/metrics.h"

#include <algorithm>

#include "results/metrics/measures.h"

namespace qb::metrics {
namespace {

std::vector<Metric> join_subjects() {
  std::vector<Metric> rows;
  for (const auto subject :
       {speed_metrics(), memory_metrics(), energy_metrics(), disk_metrics(), quality_metrics()})
    rows.insert(rows.end(), subject.begin(), subject.end());
  return rows;
}

// Of a model file: what can be told of any model. Of others: not what is told of files alone.
bool applies_to_file(const Metric& metric) {
  static constexpr std::string_view others[] = {"load_ns", "pictures_per_s", "generation_ns_p50"};
  return std::ranges::find(others, metric.name) == std::end(others) &&
         metric.per != "measured_pictures" &&
         (metric.kind != "quality" || metric.name.starts_with("output_"));
}
bool is_for_files_only(const Metric& metric) {
  return metric.name == "inferences_per_s" || metric.per == "measured_runs" ||
         metric.name.starts_with("output_");
}

// Whether a metric says something about the record's task at all.
bool applies(const Metric& metric, const Record& record) {
  if (is_file(record.subject) ? !applies_to_file(metric) : is_for_files_only(metric)) return false;
  static constexpr std::string_view language[] = {
      "prefill",    "decode",          "time_to_first_token",      "nll_difference",
      "perplexity", "measured_tokens", "measured_generated_tokens"};
  static constexpr std::string_view vision[] = {"inference", "top1_accuracy", "top5_accuracy",
                                                "measured_pictures"};
  static constexpr std::string_view open[] = {"arrival_latency", "served_per_s"};
  const bool is_language = record.subject.workload.prompt_tokens > 0;
  const auto has = [&](std::span<const std::string_view> sources) {
    return std::ranges::any_of(sources, [&](std::string_view source) {
      return source == metric.phase || source == metric.fact || source == metric.per;
    });
  };
  if (has(open)) return record.subject.workload.arrivals_per_s > 0.0;
  return !has(is_language ? std::span<const std::string_view>(vision) : language);
}

}  // namespace

std::string_view name_of(Better better) {
  return better == Better::lower ? "lower" : better == Better::higher ? "higher" : "neither";
}

std::span<const Metric> metrics() {
  static const std::vector<Metric> rows = join_subjects();
  return rows;
}

std::string source_text(const Metric& metric) {
  const std::string_view source = metric.phase.empty() ? metric.fact : metric.phase;
  return metric.per.empty() ? std::string(source) : fmt::format("{} over {}", source, metric.per);
}

const Metric* find_metric(std::string_view name) {
  const std::span<const Metric> rows = metrics();
  const auto found = std::ranges::find(rows, name, &Metric::name);
  return found == rows.end() ? nullptr : &*found;
}

std::string_view scope_of(const Metric& metric, const Record& record) {
  if (metric.kind == "speed") return "in this session";
  return record.subject.workload.prompt_tokens > 0 ? "of this text" : "of pictures like these";
}

std::vector<Measurement> measure(const Record& record) {
  std::vector<Measurement> measurements;
  for (const Metric& metric : metrics()) {
    if (!applies(metric, record)) continue;
    Measurement measurement = metric.measure(record, metric);
    measurement.name = metric.name;
    measurements.push_back(std::move(measurement));
  }
  return measurements;
}

}  // namespace qb::metrics
