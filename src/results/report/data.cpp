// For machines: CSV and JSON.
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <span>

#include "base/printable.h"
#include "base/units.h"
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

std::string_view unit_of(const Measurement& m) {
  const metrics::Metric* metric = metrics::find_metric(m.name);
  return metric ? metric->unit : "";
}

Json to_json(const Measurement& m) {
  return Json::object({{"value", optional_json(m.value)},
                       {"low", optional_json(m.low)},
                       {"high", optional_json(m.high)},
                       {"unit", unit_of(m)},
                       {"reason", m.reason}});
}

enum class Shown : uint8_t { everywhere, in_json, in_csv };

// What JSON and CSV tell of a record, under the same names and in this order.
struct Field {
  std::string_view name;
  std::function<Json(const Record& record)> value;
  Shown shown = Shown::everywhere;
};

const Field case_fields[] = {
    {"run", [](const Record& r) { return Json(r.run_id); }},
    {"case", [](const Record& r) { return Json(case_id(r.subject)); }, Shown::in_json},
    {"model", [](const Record& r) { return Json(r.subject.model); }},
    {"scheme", [](const Record& r) { return Json(r.subject.scheme); }},
    {"framework", [](const Record& r) { return Json(r.subject.framework); }},
    {"framework_version", [](const Record& r) { return r.manifest["framework_version"]; },
     Shown::in_csv},
    {"device", [](const Record& r) { return Json(r.subject.device); }},
    {"task", [](const Record& r) { return Json(r.subject.task); }, Shown::in_json},
};

// Every task's axes; null where a workload has no such value.
std::vector<Field> workload_fields() {
  std::vector<Field> fields;
  for (const task::Axis* axis : task::axes())
    fields.push_back({axis->name, [axis](const Record& record) {
                        const double value = record.subject.workload.real(axis->name);
                        if (!record.subject.workload.has(axis->name)) return Json();
                        return axis->is_integer ? Json(static_cast<int64_t>(value)) : Json(value);
                      }});
  return fields;
}

const Field outcome_fields[] = {
    {"outcome", [](const Record& r) { return Json(name_of(r.outcome)); }},
    {"reason", [](const Record& r) { return Json(r.reason); }, Shown::in_json},
    {"recorded_at", [](const Record& r) { return Json(r.recorded_at); }, Shown::in_json},
};

std::vector<Field> fields_but(Shown other) {
  std::vector<Field> fields;
  const std::vector<Field> of_workload = workload_fields();
  for (const std::span<const Field> part :
       {std::span<const Field>(case_fields), std::span<const Field>(of_workload),
        std::span<const Field>(outcome_fields)})
    std::ranges::copy_if(part, std::back_inserter(fields),
                         [&](const Field& field) { return field.shown != other; });
  return fields;
}

// What a line of the CSV tells of its measurement, behind the record's fields.
struct FigureColumn {
  std::string_view header;
  std::string (*text)(const Measurement& measurement);
};

constexpr FigureColumn figure_columns[] = {
    {"metric", [](const Measurement& m) { return m.name; }},
    {"unit", [](const Measurement& m) { return std::string(unit_of(m)); }},
    {"value", [](const Measurement& m) { return number(m.value); }},
    {"low", [](const Measurement& m) { return number(m.low); }},
    {"high", [](const Measurement& m) { return number(m.high); }},
    {"reason", [](const Measurement& m) { return m.reason; }},
};

std::string plain_text(const Json& value) {
  if (value.is_int()) return fmt::format("{}", value.as_int());
  return value.is_number() ? fmt::format("{}", value.as_double()) : value.as_string();
}

std::string csv_line(const std::vector<std::string>& texts) {
  std::vector<std::string> fields;
  for (const std::string& text : texts) fields.push_back(csv_field(text));
  return fmt::format("{}\r\n", fmt::join(fields, ","));
}

}  // namespace

Json to_json(const Record& record, bool with_samples) {
  Json json = Json::object({});
  for (const Field& field : fields_but(Shown::in_csv)) json.set(field.name, field.value(record));
  Json measurements = Json::object({});
  for (const Measurement& m : record.measurements) measurements.set(m.name, to_json(m));
  Json::Array launches;
  for (const Launch& launch : record.launches) launches.push_back(to_json(launch, with_samples));
  return json.set("measurements", std::move(measurements))
      .set("manifest", record.manifest)
      .set("launches", std::move(launches));
}

std::string host_value_text(std::string_view key, const Json& value) {
  constexpr std::string_view rate = "_bytes_per_s";
  if (value.is_string()) return value.as_string();
  if (key.ends_with("_bytes")) return format_quantity(value.as_double(), "B");
  if (key.ends_with(rate)) return format_quantity(value.as_double(), "B") + "/s";
  return dump_json(value);
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

// A record with what its table and its charts go by.
Json drawn_json(const Record& record, const analysis::ModelGroup& group) {
  return report::to_json(record, true)
      .set("speed_ratio", ratio_json(record, group.records))
      .set("table", group.model + analysis::title_of(record.subject.workload))
      .set("label", analysis::label_of(record))
      .set("variant", analysis::variant_of(record))
      .set("speed_metric", metrics::speed_metric(record))
      .set("quality_metric", analysis::quality_metric(record))
      .set("is_judged_alike", analysis::is_judged_alike(record, group.records));
}

std::vector<std::string_view> names_of_figures(const std::vector<Record>& records) {
  std::set<std::string_view> names;
  for (const Record& record : records)
    for (const Measurement& m : record.measurements) names.insert(m.name);
  return {names.begin(), names.end()};
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

Json metrics_json(const std::vector<std::string_view>& names) {
  Json json = Json::object({});
  for (const metrics::Metric& metric : metrics::metrics())
    if (names.empty() || std::ranges::find(names, metric.name) != names.end())
      json.set(metric.name, Json::object({{"label", metric.label},
                                          {"unit", metric.unit},
                                          {"better", name_of(metric.better)},
                                          {"summary", metric.summary}}));
  return json;
}

Json document_json(const Document& document) {
  Json::Array records;
  Json::Array verdicts;
  std::map<const Record*, Json> drawn;
  for (const auto& group : analysis::group_by_model(document.records)) {
    for (const auto& verdict : analysis::judge(group)) verdicts.push_back(to_json(verdict));
    for (const Record* record : group.records) drawn[record] = drawn_json(*record, group);
  }
  for (const Record& record : document.records) records.push_back(std::move(drawn[&record]));
  const Run& run = document.run;
  return Json::object({{"run", run.id},
                       {"started_at", run.started_at},
                       {"suite", run.suite_name},
                       {"suite_text", run.suite_text},
                       {"seed", fmt::format("{}", run.seed)},
                       {"host", run.host},
                       {"metrics", metrics_json(names_of_figures(document.records))},
                       {"verdicts", std::move(verdicts)},
                       {"records", std::move(records)}});
}

std::string render_json(const Document& document) {
  return dump_json(document_json(document), 1) + "\n";
}

std::string render_csv(const Document& document) {
  const std::vector<Field> fields = fields_but(Shown::in_json);
  std::vector<std::string> texts;
  for (const Field& field : fields) texts.emplace_back(field.name);
  for (const FigureColumn& column : figure_columns) texts.emplace_back(column.header);
  std::string text = csv_line(texts);
  for (const Record& record : document.records)
    for (const Measurement& m : record.measurements) {
      texts.clear();
      for (const Field& field : fields) texts.push_back(plain_text(field.value(record)));
      for (const FigureColumn& column : figure_columns) texts.push_back(column.text(m));
      text += csv_line(texts);
    }
  return text;
}

std::vector<Format> formats() {
  return {{"html", [](const Document& document, const Layout&) { return render_html(document); }},
          {"md", [](const Document& document, const Layout&) { return render_markdown(document); }},
          {"csv", [](const Document& document, const Layout&) { return render_csv(document); }},
          {"json", [](const Document& document, const Layout&) { return render_json(document); }},
          {"txt", render_terminal},
          {"bmf", [](const Document& document, const Layout&) { return render_bmf(document); }},
          {"smaller-is-better",
           [](const Document& document, const Layout&) {
             return render_custom(document, metrics::Better::lower);
           }},
          {"bigger-is-better", [](const Document& document, const Layout&) {
             return render_custom(document, metrics::Better::higher);
           }}};
}

}  // namespace qb::report
