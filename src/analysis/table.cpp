#include "analysis/table.h"

#include <algorithm>
#include <span>

#include "base/units.h"
#include "metrics/launches.h"

namespace qb::analysis {
namespace {

constexpr std::string_view language_metrics[] = {
    "bundle_bytes",   "decode_tokens_per_s", "prefill_tokens_per_s", "time_to_first_token_ns_p50",
    "rss_bytes_peak", "perplexity",          "top1_agreement",       "kl_divergence"};
constexpr std::string_view vision_metrics[] = {
    "bundle_bytes",   "pictures_per_s", "inference_ns_p50", "inference_ns_p90",
    "rss_bytes_peak", "top1_accuracy",  "top1_agreement",   "logit_cosine"};

bool is_language(const Record& record) { return record.subject.workload.prompt_tokens > 0; }

constexpr std::string_view file_metrics[] = {
    "bundle_bytes",       "inferences_per_s", "inference_ns_p50",
    "inference_ns_p90",   "first_run_ns",     "compile_ns",
    "rss_bytes_peak",     "output_cosine",    "output_max_abs_difference",
    "output_relative_rms"};

bool is_of_file(const Record& record) { return is_file(record.subject); }

std::vector<std::string_view> metrics_of(const std::vector<const Record*>& records) {
  if (is_of_file(*records.front())) return {std::begin(file_metrics), std::end(file_metrics)};
  const std::span<const std::string_view> all =
      is_language(*records.front()) ? std::span<const std::string_view>(language_metrics)
                                    : vision_metrics;
  std::vector<std::string_view> names(all.begin(), all.end());
  if (std::ranges::any_of(records, [](const Record* record) {
        return record->subject.workload.arrivals_per_s > 0.0;
      }))
    for (const char* name : {"arrival_latency_ns_p99", "arrival_latency_ns_p50"})
      names.insert(names.begin() + 2, name);
  return names;
}

std::string interval_text(const Record& record, const Measurement& m,
                          const metrics::Metric& metric) {
  if (!m.low || !m.high) return {};
  return fmt::format("95 % interval {} to {}, {}", format_quantity(*m.low, metric.unit),
                     format_quantity(*m.high, metric.unit), metrics::scope_of(metric, record));
}

Cell cell_of(const Record& record, const metrics::Metric& metric) {
  const Measurement* m = find_measurement(record, metric.name);
  if (!m || !m->value) return {"–", std::nullopt, m ? m->reason : "not measured"};
  return {format_quantity(*m->value, metric.unit), m->value, interval_text(record, *m, metric)};
}

// Speed over that of the fp32 case with the same framework, device and workload; of a model file,
// over that of the first one.
Cell ratio_cell(const Record& record, const std::vector<const Record*>& others) {
  Case wanted = record.subject;
  if (is_of_file(record)) {
    wanted.model = others.front()->subject.model;
    wanted.framework = others.front()->subject.framework;
  } else {
    wanted.scheme = "fp32";
  }
  const auto base =
      std::ranges::find(others, wanted, [](const Record* other) { return other->subject; });
  const auto ratio = base == others.end() ? std::nullopt : metrics::speed_ratio(record, **base);
  if (!ratio)
    return {"–", std::nullopt,
            is_of_file(record) ? "needs this file and the first one"
                               : "needs this case and fp32 in the same framework"};
  return {ratio_text(ratio->value), ratio->value, ratio_note(*ratio)};
}

// What tells the cases of a sweep apart.
std::string sweep_of(const Workload& w) {
  std::string text;
  if (w.depth_tokens > 0) text += fmt::format(" at depth {}", w.depth_tokens);
  if (w.batch > 1) text += fmt::format(" batch {}", w.batch);
  if (w.arrivals_per_s > 0.0) text += fmt::format(" at {}/s", w.arrivals_per_s);
  return text;
}

Cell arrivals_cell(const Workload& w) {
  if (w.arrivals_per_s == 0.0) return {"–", std::nullopt, "one request after another"};
  return {fmt::format("{}", w.arrivals_per_s), w.arrivals_per_s, {}};
}

// What tells a record from the others of its table.
const std::string& variant_of(const Record& record) {
  return is_of_file(record) ? record.subject.model : record.subject.scheme;
}

Cell outcome_cell(const Record& record) {
  return {std::string(name_of(record.outcome)), std::nullopt, record.reason};
}

Cell bits_cell(const Record& record) {
  const Json& bits = record.manifest["bits_per_weight"];
  if (!bits.is_number()) return {"–", std::nullopt, "not known"};
  return {fmt::format("{:.2f}", bits.as_double()), bits.as_double(), {}};
}

void drop_column(Table& table, std::string_view heading) {
  const auto column = std::ranges::find(table.columns, heading, &Column::heading);
  const auto index = column - table.columns.begin();
  table.columns.erase(column);
  for (auto& row : table.rows) row.erase(row.begin() + index);
}

// Without the column when no record's workload is of that kind. Gives whether it stays.
bool drop_unless(Table& table, std::string_view heading, const std::vector<const Record*>& records,
                 bool (*is_of_the_kind)(const Workload&)) {
  const bool is_used = std::ranges::any_of(
      records, [&](const Record* record) { return is_of_the_kind(record->subject.workload); });
  if (!is_used) drop_column(table, heading);
  return is_used;
}

// A column that says the same in every row moves to the title.
void hoist_column(Table& table, std::string_view heading, std::string_view suffix) {
  const auto column = std::ranges::find(table.columns, heading, &Column::heading);
  const auto index = column - table.columns.begin();
  const auto text_of = [index](const std::vector<Cell>& row) {
    return row[static_cast<size_t>(index)].text;
  };
  const std::string first = text_of(table.rows.front());
  if (!std::ranges::all_of(table.rows, [&](const auto& row) { return text_of(row) == first; }))
    return;
  table.title += fmt::format(", {}{}", first, suffix);
  drop_column(table, heading);
}

}  // namespace

std::string_view quality_metric(const Record& record) {
  return is_of_file(record) ? "output_cosine" : "top1_agreement";
}

std::string ratio_text(double ratio) {
  return ratio < 0.1 ? fmt::format("{:.2g}x", ratio) : fmt::format("{:.2f}x", ratio);
}

std::string ratio_note(const metrics::Ratio& ratio) {
  const std::string pairs =
      fmt::format("{} pair{} of launches", ratio.pair_count, ratio.pair_count == 1 ? "" : "s");
  if (ratio.pair_count == 0) return "ratio of the two figures: no launches of the same block";
  if (ratio.pair_count < 3) return fmt::format("no interval: {}, it needs three", pairs);
  if (!ratio.interval) return fmt::format("no interval: {}, all alike", pairs);
  return fmt::format("95 % interval {} to {}, of {}", ratio_text(ratio.interval->low),
                     ratio_text(ratio.interval->high), pairs);
}

std::string label_of(const Record& record) {
  const Case& c = record.subject;
  return fmt::format("{} {}{}{}", variant_of(record), c.framework,
                     c.device == "cpu" ? "" : " " + c.device, sweep_of(c.workload));
}

std::string short_label_of(const Record& record, const std::vector<const Record*>& all) {
  const auto differs = [&](const Record* other) {
    return other->subject.framework != record.subject.framework ||
           other->subject.device != record.subject.device;
  };
  std::string label = std::ranges::any_of(all, differs)
                          ? label_of(record)
                          : variant_of(record) + sweep_of(record.subject.workload);
  const int64_t threads = record.subject.workload.thread_count;
  if (std::ranges::any_of(all, [&](const Record* other) {
        return other->subject.workload.thread_count != threads;
      }))
    label += fmt::format(" {} thread{}", threads, threads == 1 ? "" : "s");
  return label;
}

std::vector<ModelGroup> group_by_model(const std::vector<Record>& records) {
  std::vector<ModelGroup> groups;
  for (const Record& record : records) {
    const std::string model = is_of_file(record) ? "model files" : record.subject.model;
    const auto found = std::ranges::find_if(groups, [&](const ModelGroup& group) {
      const Workload& w = group.records.front()->subject.workload;
      return group.model == model && w.prompt_tokens == record.subject.workload.prompt_tokens &&
             w.generated_tokens == record.subject.workload.generated_tokens;
    });
    if (found == groups.end())
      groups.push_back({model, {&record}});
    else
      found->records.push_back(&record);
  }
  return groups;
}

Table summarize(const std::vector<const Record*>& records) {
  Table table;
  if (records.empty()) return table;
  const Record& first = *records.front();
  const std::string weights = first.manifest["weights"].as_string();
  const bool is_file_table = is_of_file(first);
  table.title = (is_file_table ? "model files" : first.subject.model) +
                (weights.empty() ? "" : fmt::format(", {} weights", weights));
  table.columns = {{is_file_table ? "file" : "scheme"},
                   {"framework"},
                   {"device"},
                   {"threads", "1"},
                   {"batch", "1"},
                   {"depth", "tokens"},
                   {"arrivals", "1/s"},
                   {"bits/weight", "1", metrics::Better::lower}};
  const std::vector<std::string_view> names = metrics_of(records);
  for (const std::string_view name : names) {
    const metrics::Metric& metric = *metrics::find_metric(name);
    table.columns.push_back({std::string(metric.label), std::string(metric.unit), metric.better});
    if (name == metrics::speed_metric(first))
      table.columns.push_back(
          {is_file_table ? "vs first" : "vs fp32", "1", metrics::Better::higher});
  }
  table.columns.push_back({"outcome"});
  for (const Record* record : records) {
    const Case& c = record->subject;
    std::vector<Cell> row = {
        {variant_of(*record), {}, {}},
        {c.framework, {}, record->manifest["framework_version"].as_string()},
        {c.device, {}, {}},
        {std::to_string(c.workload.thread_count), static_cast<double>(c.workload.thread_count), {}},
        {std::to_string(c.workload.batch), static_cast<double>(c.workload.batch), {}},
        {std::to_string(c.workload.depth_tokens), static_cast<double>(c.workload.depth_tokens), {}},
        arrivals_cell(c.workload),
        bits_cell(*record)};
    for (const std::string_view name : names) {
      row.push_back(cell_of(*record, *metrics::find_metric(name)));
      if (name == metrics::speed_metric(first)) row.push_back(ratio_cell(*record, records));
    }
    row.push_back(outcome_cell(*record));
    table.rows.push_back(std::move(row));
  }
  if (is_file_table) drop_column(table, "bits/weight");
  hoist_column(table, "device", "");
  hoist_column(table, "threads", " threads");
  drop_unless(table, "batch", records, [](const Workload& w) { return w.batch > 1; });
  drop_unless(table, "arrivals", records, [](const Workload& w) { return w.arrivals_per_s > 0.0; });
  if (drop_unless(table, "depth", records, [](const Workload& w) { return w.depth_tokens > 0; }))
    hoist_column(table, "depth", " tokens before the prompt");
  return table;
}

}  // namespace qb::analysis
