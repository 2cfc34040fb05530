#include "results/analysis/columns.h"

#include <algorithm>

#include "base/units.h"
#include "results/metrics/launches.h"

namespace qb::analysis {
namespace {

using Records = std::vector<const Record*>;
using metrics::Better;

bool always(const Records&) { return true; }
bool of_files(const Records& records) { return is_file(records.front()->subject); }
bool of_models(const Records& records) { return !of_files(records); }
bool of_language(const Records& records) {
  return of_models(records) && records.front()->subject.workload.prompt_tokens > 0;
}
bool of_pictures(const Records& records) { return of_models(records) && !of_language(records); }

template <typename Is>
bool any_workload(const Records& records, Is&& is) {
  return std::ranges::any_of(records,
                             [&](const Record* record) { return is(record->subject.workload); });
}
bool with_batches(const Records& records) {
  return any_workload(records, [](const Workload& w) { return w.batch > 1; });
}
bool with_depths(const Records& records) {
  return any_workload(records, [](const Workload& w) { return w.depth_tokens > 0; });
}
bool with_arrivals(const Records& records) {
  return any_workload(records, [](const Workload& w) { return w.arrivals_per_s > 0.0; });
}
bool with_failures(const Records& records) {
  return !std::ranges::all_of(records, [](const Record* record) { return is_ok(*record); });
}

Cell count_cell(int64_t count) { return {std::to_string(count), static_cast<double>(count), {}}; }

Cell variant_cell(const Record& record, const Records&) { return {variant_of(record), {}, {}}; }

Cell framework_cell(const Record& record, const Records&) {
  return {record.subject.framework, {}, record.manifest["framework_version"].as_string()};
}

Cell device_cell(const Record& record, const Records&) { return {record.subject.device, {}, {}}; }

Cell threads_cell(const Record& record, const Records&) {
  return count_cell(record.subject.workload.thread_count);
}

Cell batch_cell(const Record& record, const Records&) {
  return count_cell(record.subject.workload.batch);
}

Cell depth_cell(const Record& record, const Records&) {
  return count_cell(record.subject.workload.depth_tokens);
}

Cell arrivals_cell(const Record& record, const Records&) {
  const double per_s = record.subject.workload.arrivals_per_s;
  if (per_s == 0.0) return {"–", std::nullopt, "one request after another"};
  return {fmt::format("{}", per_s), per_s, {}};
}

Cell bits_cell(const Record& record, const Records&) {
  const Json& bits = record.manifest["bits_per_weight"];
  if (!bits.is_number()) return {"–", std::nullopt, "not known"};
  return {fmt::format("{:.2f}", bits.as_double()), bits.as_double(), {}};
}

Cell outcome_cell(const Record& record, const Records&) {
  return {.text = std::string(name_of(record.outcome)),
          .note = record.reason,
          .is_bad = !is_ok(record)};
}

// Speed over that of the base (find_base).
Cell ratio_cell(const Record& record, const Records& records) {
  const Record* base = find_base(record, records);
  const auto ratio = base ? metrics::speed_ratio(record, *base) : std::nullopt;
  if (!ratio)
    return {"–", std::nullopt,
            is_file(record.subject) ? "needs this file and the first one"
                                    : "needs this case and fp32 in the same framework"};
  if (base == &record) return {ratio_text(ratio->value), ratio->value, {}};
  Cell cell = {ratio_text(ratio->value), ratio->value, ratio_note(*ratio)};
  if (ratio->interval)
    cell.text += " " + spread_text(ratio->value, ratio->interval->low, ratio->interval->high, "x");
  return cell;
}

constexpr ColumnRule rules[] = {
    {.heading = "scheme", .applies = of_models, .cell = variant_cell},
    {.heading = "file", .applies = of_files, .cell = variant_cell},
    {.heading = "framework", .applies = always, .cell = framework_cell},
    {.heading = "device", .applies = always, .cell = device_cell, .is_hoisted = true},
    {.heading = "threads",
     .unit = "1",
     .applies = always,
     .cell = threads_cell,
     .is_hoisted = true,
     .title_suffix = " threads"},
    {.heading = "batch", .unit = "1", .applies = with_batches, .cell = batch_cell},
    {.heading = "depth",
     .unit = "tokens",
     .applies = with_depths,
     .cell = depth_cell,
     .is_hoisted = true,
     .title_suffix = " tokens before the prompt"},
    {.heading = "arrivals", .unit = "1/s", .applies = with_arrivals, .cell = arrivals_cell},
    {.heading = "bits/weight",
     .unit = "1",
     .better = Better::lower,
     .rank = 14,
     .applies = of_models,
     .cell = bits_cell},
    {.metric = "bundle_bytes", .rank = 3, .applies = always},
    {.metric = "decode_tokens_per_s", .applies = of_language, .shows_spread = true},
    {.metric = "pictures_per_s", .applies = of_pictures, .shows_spread = true},
    {.metric = "inferences_per_s", .applies = of_files, .shows_spread = true},
    {.heading = "vs fp32",
     .unit = "1",
     .better = Better::higher,
     .rank = 1,
     .applies = of_models,
     .cell = ratio_cell},
    {.heading = "vs first",
     .unit = "1",
     .better = Better::higher,
     .rank = 1,
     .applies = of_files,
     .cell = ratio_cell},
    {.metric = "arrival_latency_ns_p50", .rank = 2, .applies = with_arrivals},
    {.metric = "arrival_latency_ns_p99", .rank = 2, .applies = with_arrivals},
    {.metric = "prefill_tokens_per_s", .rank = 9, .applies = of_language},
    {.metric = "time_to_first_token_ns_p50", .rank = 7, .applies = of_language},
    {.metric = "inference_ns_p50", .rank = 7, .applies = of_pictures},
    {.metric = "inference_ns_p50", .rank = 5, .applies = of_files},
    {.metric = "inference_ns_p90", .rank = 9, .applies = of_pictures},
    {.metric = "inference_ns_p90", .rank = 11, .applies = of_files},
    {.metric = "first_run_ns", .rank = 13, .applies = of_files},
    {.metric = "compile_ns", .rank = 12, .applies = of_files},
    {.metric = "rss_bytes_peak", .rank = 8, .applies = always},
    {.metric = "perplexity", .rank = 4, .applies = of_language, .shows_spread = true},
    {.metric = "top1_accuracy", .rank = 4, .applies = of_pictures, .shows_spread = true},
    {.metric = "top1_agreement", .rank = 2, .applies = of_models, .shows_spread = true},
    {.metric = "kl_divergence", .rank = 10, .applies = of_language, .shows_spread = true},
    {.metric = "logit_cosine", .rank = 10, .applies = of_pictures},
    {.metric = "output_cosine", .rank = 2, .applies = of_files},
    {.metric = "output_max_abs_difference", .rank = 6, .applies = of_files},
    {.metric = "output_relative_rms", .rank = 4, .applies = of_files},
    {.heading = "outcome", .rank = 6, .applies = with_failures, .cell = outcome_cell},
};

// Only like is ranked with like: cases that are ok, of one workload but for its threads.
bool is_ranked(const Record& record, const Records& records) {
  const auto is_like = [&](const Record* other) {
    Workload workload = other->subject.workload;
    workload.thread_count = record.subject.workload.thread_count;
    return workload == record.subject.workload;
  };
  return is_ok(record) && std::ranges::all_of(records, is_like);
}

// A case without speed says in the speed's place what became of it: a narrow table has no column
// for the outcome.
std::string absent_text(const Record& record, std::string_view metric) {
  const bool is_speed = metric == metrics::speed_metric(record);
  return std::string(is_speed && !is_ok(record) ? name_of(record.outcome) : "–");
}

Cell metric_cell(const ColumnRule& rule, const Record& record, const Records& records) {
  const metrics::Metric& metric = *metrics::find_metric(rule.metric);
  const Measurement* m = find_measurement(record, metric.name);
  if (!m || !m->value)
    return {absent_text(record, metric.name), std::nullopt, m ? m->reason : "not measured"};
  Cell cell = {
      rule.shows_spread ? figure_text(*m, metric) : format_quantity(*m->value, metric.unit),
      m->value,
      {},
      is_ranked(record, records)};
  if (m->low && m->high)
    cell.note =
        fmt::format("95 % interval {} to {}, {}", format_quantity(*m->low, metric.unit),
                    format_quantity(*m->high, metric.unit), metrics::scope_of(metric, record));
  if (metric.kind == "quality" && !is_judged_alike(record, records)) {
    cell.text += unlike_mark;
    cell.is_ranked = false;
    cell.note += fmt::format("{}judged on {} {}, most of the table on {}: not to be compared",
                             cell.note.empty() ? "" : "; ", *judged_item_count(record),
                             item_noun(record), *usual_item_count(records));
  }
  return cell;
}

}  // namespace

std::span<const ColumnRule> column_rules() { return rules; }

Cell cell_of(const ColumnRule& rule, const Record& record, const Records& records) {
  if (!rule.metric.empty()) return metric_cell(rule, record, records);
  Cell cell = rule.cell(record, records);
  cell.is_ranked = is_ranked(record, records);
  return cell;
}

}  // namespace qb::analysis
