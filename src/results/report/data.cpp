// For machines: CSV and JSON.
#include <map>

#include "base/printable.h"
#include "results/analysis/verdict.h"
#include "results/metrics/metrics.h"
#include "results/report/report.h"

namespace qb::report {
namespace {

// RFC 4180: quoted when it has a comma or a quote; line breaks are escaped like all that a terminal
// acts on.
std::string csv_field(std::string_view raw) {
  const std::string text = printable(raw);
  if (text.find_first_of(",\"") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string number(const std::optional<double>& value) {
  return value ? fmt::format("{}", *value) : std::string();
}

Json optional_json(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json to_json(const Launch& launch, bool with_samples) {
  Json json = Json::object({{"kind", launch.kind},
                            {"index", launch.index},
                            {"outcome", name_of(launch.outcome)},
                            {"reason", launch.reason},
                            {"facts", launch.facts},
                            {"stderr_tail", launch.stderr_tail}});
  if (!with_samples) return json;
  Json samples = Json::object({});
  for (const SampleSeries& series : launch.samples)
    samples.set(series.phase, Json::array_of(series.duration_ns));
  json.set("samples_ns", std::move(samples));
  return json;
}

}  // namespace

Json to_json(const Record& record, bool with_samples) {
  const Case& c = record.subject;
  Json measurements = Json::object({});
  for (const Measurement& m : record.measurements) {
    const metrics::Metric* metric = metrics::find_metric(m.name);
    measurements.set(m.name, Json::object({{"value", optional_json(m.value)},
                                           {"low", optional_json(m.low)},
                                           {"high", optional_json(m.high)},
                                           {"unit", metric ? metric->unit : ""},
                                           {"reason", m.reason}}));
  }
  Json::Array launches;
  for (const Launch& launch : record.launches) launches.push_back(to_json(launch, with_samples));
  return Json::object({{"run", record.run_id},
                       {"case", case_id(c)},
                       {"model", c.model},
                       {"scheme", c.scheme},
                       {"framework", c.framework},
                       {"device", c.device},
                       {"batch", c.workload.batch()},
                       {"thread_count", c.workload.thread_count()},
                       {"prompt_tokens", c.workload.integer("prompt_tokens")},
                       {"generated_tokens", c.workload.integer("generated_tokens")},
                       {"depth_tokens", c.workload.integer("depth_tokens")},
                       {"arrivals_per_s", c.workload.arrivals_per_s()},
                       {"outcome", name_of(record.outcome)},
                       {"reason", record.reason},
                       {"recorded_at", record.recorded_at},
                       {"measurements", std::move(measurements)},
                       {"manifest", record.manifest},
                       {"launches", std::move(launches)}});
}

namespace {

Json to_json(const metrics::Ratio& ratio) {
  const auto& interval = ratio.interval;
  return Json::object({{"value", ratio.value},
                       {"low", interval ? Json(interval->low) : Json()},
                       {"high", interval ? Json(interval->high) : Json()}});
}

// Its speed over that of fp32 in the same framework, or of the first file; null when one is absent.
Json ratio_json(const Record& record, const std::vector<const Record*>& group) {
  const Record* base = analysis::find_base(record, group);
  const auto ratio = base ? metrics::speed_ratio(record, *base) : std::nullopt;
  if (!ratio) return {};
  return to_json(*ratio).set("over", case_id(base->subject));
}

Json ids_of(const std::vector<const Record*>& records) {
  Json::Array ids;
  for (const Record* record : records) ids.emplace_back(case_id(record->subject));
  return ids;
}

Json to_json(const analysis::Claim& claim) {
  Json json = Json::object({{"name", claim.name},
                            {"metric", claim.metric},
                            {"cases", ids_of(claim.winners)},
                            {"ratio", claim.ratio ? to_json(*claim.ratio) : Json()},
                            {"not_told_from", ids_of(claim.ties)},
                            {"reservations", Json::array_of(claim.reservations)},
                            {"reason", claim.reason}});
  if (claim.winners.empty()) return json;
  const Measurement& m = *find_measurement(*claim.winners[0], claim.metric);
  return json.set("value", optional_json(m.value))
      .set("low", optional_json(m.low))
      .set("high", optional_json(m.high));
}

Json to_json(const analysis::Verdict& verdict) {
  Json::Array claims;
  for (const analysis::Claim& claim : verdict.claims) claims.push_back(to_json(claim));
  return Json::object({{"title", verdict.title}, {"claims", std::move(claims)}});
}

}  // namespace

std::string render_json(const Document& document) {
  Json::Array records;
  Json::Array verdicts;
  std::map<const Record*, Json> ratios;
  for (const auto& group : analysis::group_by_model(document.records)) {
    for (const auto& verdict : analysis::judge(group)) verdicts.push_back(to_json(verdict));
    for (const Record* record : group.records) ratios[record] = ratio_json(*record, group.records);
  }
  for (const Record& record : document.records)
    records.push_back(to_json(record, true).set("speed_ratio", ratios[&record]));
  const Run& run = document.run;
  return dump_json(Json::object({{"run", run.id},
                                 {"started_at", run.started_at},
                                 {"suite", run.suite_name},
                                 {"suite_text", run.suite_text},
                                 {"seed", fmt::format("{}", run.seed)},
                                 {"host", run.host},
                                 {"verdicts", std::move(verdicts)},
                                 {"records", std::move(records)}}),
                   1) +
         "\n";
}

std::string render_csv(const Document& document) {
  std::string text =
      "run,model,scheme,framework,framework_version,device,batch,thread_count,prompt_tokens,"
      "generated_tokens,depth_tokens,arrivals_per_s,outcome,metric,unit,value,low,high,reason\r\n";
  for (const Record& record : document.records) {
    const Case& c = record.subject;
    for (const Measurement& m : record.measurements) {
      const metrics::Metric* metric = metrics::find_metric(m.name);
      text += fmt::format(
          "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\r\n", csv_field(record.run_id),
          csv_field(c.model), csv_field(c.scheme), csv_field(c.framework),
          csv_field(record.manifest["framework_version"].as_string()), csv_field(c.device),
          c.workload.batch(), c.workload.thread_count(), c.workload.integer("prompt_tokens"),
          c.workload.integer("generated_tokens"), c.workload.integer("depth_tokens"),
          c.workload.arrivals_per_s(), name_of(record.outcome), m.name, metric ? metric->unit : "",
          number(m.value), number(m.low), number(m.high), csv_field(m.reason));
    }
  }
  return text;
}

std::vector<Format> formats() {
  return {{"html", [](const Document& document, const Layout&) { return render_html(document); }},
          {"md", [](const Document& document, const Layout&) { return render_markdown(document); }},
          {"csv", [](const Document& document, const Layout&) { return render_csv(document); }},
          {"json", [](const Document& document, const Layout&) { return render_json(document); }},
          {"txt", render_terminal}};
}

}  // namespace qb::report
