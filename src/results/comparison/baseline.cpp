#include "results/comparison/baseline.h"

#include "base/json.h"
#include "results/analysis/cases.h"
#include "results/metrics/metrics.h"

namespace qb::comparison {
namespace {

constexpr std::string_view format_name = "qbench baseline";
constexpr int64_t format_version = 1;

// What differences.cpp looks at, and how quality went.
constexpr std::string_view kept_facts[] = {
    "framework_version", "environment",    "worker_hash",     "weights",
    "source_hash",       "bundle_hash",    "content_hash",    "dataset",
    "quality_outcome",   "quality_reason", "quality_problem", "quality_item_count_max"};

Json optional_json(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json to_json(const Measurement& m) {
  Json json = Json::object({{"value", optional_json(m.value)}});
  if (m.low) json.set("low", *m.low).set("high", optional_json(m.high));
  if (!m.launch_values.empty())
    json.set("launches", Json::array_of(m.launch_values))
        .set("indices", Json::array_of(m.launch_indices));
  return json;
}

Json to_json(const Record& record) {
  const Case& c = record.subject;
  Json manifest = Json::object({});
  for (const std::string_view fact : kept_facts)
    if (record.manifest.contains(fact)) manifest.set(fact, record.manifest[fact]);
  Json measurements = Json::object({});
  for (const Measurement& m : record.measurements)
    if (m.value) measurements.set(m.name, to_json(m));
  Json json = Json::object({{"model", c.model},
                            {"scheme", c.scheme},
                            {"framework", c.framework},
                            {"device", c.device},
                            {"task", c.task},
                            {"workload", to_json(c.workload)},
                            {"outcome", name_of(record.outcome)},
                            {"reason", record.reason},
                            {"manifest", std::move(manifest)},
                            {"measurements", std::move(measurements)}});
  if (const auto count = analysis::judged_item_count(record)) json.set("judged_items", *count);
  return json;
}

std::optional<double> optional_double(const Json& json) {
  return json.is_number() ? std::optional(json.as_double()) : std::nullopt;
}

Result<Measurement> parse_measurement(const std::string& name, const Json& json) {
  Measurement m = {
      .name = name, .low = optional_double(json["low"]), .high = optional_double(json["high"])};
  QB_TRY(m.value, json.get_double("value"));
  for (const Json& item : json["launches"].as_array()) m.launch_values.push_back(item.as_double());
  for (const Json& item : json["indices"].as_array()) m.launch_indices.push_back(item.as_int());
  if (m.launch_values.size() != m.launch_indices.size())
    return fail(Errc::bad_input, "{}: launches and indices don't fit each other", name);
  return m;
}

Result<Record> parse_record(const Json& json) {
  Record record = {.manifest = json["manifest"]};
  Case& c = record.subject;
  QB_TRY(c.model, json.get_string("model"));
  QB_TRY(c.scheme, json.get_string("scheme"));
  QB_TRY(c.framework, json.get_string("framework"));
  QB_TRY(c.device, json.get_string("device"));
  QB_TRY(c.task, json.get_string("task"));
  QB_TRY(c.workload, workload_from_json(json["workload"]));
  QB_TRY(const std::string outcome, json.get_string("outcome"));
  QB_TRY(record.outcome, parse_outcome(outcome));
  record.reason = json["reason"].as_string();
  if (!record.manifest.is_object()) record.manifest = Json::object({});
  for (const auto& [name, member] : json["measurements"].as_object()) {
    QB_TRY(Measurement m, parse_measurement(name, member));
    record.measurements.push_back(std::move(m));
  }
  const std::string_view item_fact = task_of(c).item_fact;
  if (json["judged_items"].is_int() && !item_fact.empty()) {
    Launch judged = {.kind = "quality"};
    judged.facts.set(item_fact, json["judged_items"]);
    record.launches.push_back(std::move(judged));
  }
  return record;
}

}  // namespace

std::string baseline_text(const report::Document& document) {
  const Run& run = document.run;
  const Json head = Json::object({{"id", run.id},
                                  {"started_at", run.started_at},
                                  {"suite", run.suite_name},
                                  {"host", run.host}});
  std::string text =
      fmt::format("{{\"format\": \"{}\", \"version\": {},\n\"run\": {},\n\"records\": [",
                  format_name, format_version, dump_json(head));
  std::string_view gap = "\n";
  for (const Record& record : document.records) {
    text += gap;
    text += dump_json(to_json(record));
    gap = ",\n";
  }
  return text + "\n]}\n";
}

Result<report::Document> parse_baseline(std::string_view text) {
  QB_TRY(const Json json, parse_json(text));
  if (json["format"].as_string() != format_name)
    return fail(Errc::bad_input, "is no baseline; `qbench baseline export` writes one");
  if (json["version"].as_int() != format_version)
    return fail(Errc::bad_input, "is a baseline of version {}, this qbench reads version {}",
                json["version"].as_int(), format_version);
  report::Document document;
  const Json& run = json["run"];
  QB_TRY(document.run.id, run.get_string("id"));
  QB_TRY(document.run.started_at, run.get_string("started_at"));
  QB_TRY(document.run.suite_name, run.get_string("suite"));
  document.run.host = run["host"];
  for (const Json& item : json["records"].as_array()) {
    QB_TRY(Record record, parse_record(item));
    document.records.push_back(std::move(record));
  }
  return document;
}

}  // namespace qb::comparison
