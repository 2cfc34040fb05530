#include "results/publish/mlflow.h"

#include <algorithm>
#include <ctime>
#include <iterator>

#include "base/number.h"
#include "base/percent_encoding.h"
#include "results/metrics/metrics.h"

namespace qb::publish {
namespace {

// What one call of log-batch takes at most.
constexpr size_t metrics_a_call = 1000;
constexpr size_t params_a_call = 100;
constexpr size_t tags_a_call = 100;
constexpr size_t value_bytes_max = 5000;  // of a tag; of a param 6,000

constexpr std::string_view case_tag = "qbench.case";
constexpr std::string_view recorded_tag = "qbench.recorded_at";
constexpr std::string_view parent_tag = "mlflow.parentRunId";

// "2026-11-23T21:40:16Z" as milliseconds since 1970; 0 for anything else.
int64_t epoch_ms_of(const std::string& timestamp) {
  std::tm time = {};
  const char* rest = strptime(timestamp.c_str(), "%Y-%m-%dT%H:%M:%S", &time);
  return rest ? static_cast<int64_t>(timegm(&time)) * 1000 : 0;
}

Json entry(std::string_view key, std::string_view value) {
  return Json::object({{"key", key}, {"value", std::string(value.substr(0, value_bytes_max))}});
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.as_string() : dump_json(value);
}

Json::Array params_of(const Record& record) {
  const Case& c = record.subject;
  Json::Array params = {entry("model", c.model), entry("scheme", c.scheme),
                        entry("framework", c.framework), entry("device", c.device),
                        entry("task", c.task)};
  for (const task::Axis* axis : task_of(c).axes)
    params.push_back(entry(axis->name, task::text_of(*axis, value_of(*axis, c.workload))));
  return params;
}

Json::Array tags_of(const report::Document& document, const Record& record) {
  Json::Array tags = {
      entry("qbench.run", document.run.id), entry("qbench.suite", document.run.suite_name),
      entry("qbench.outcome", name_of(record.outcome)), entry("qbench.reason", record.reason),
      entry(recorded_tag, record.recorded_at)};
  for (const std::string_view key :
       {"framework_version", "worker_hash", "bundle_hash", "content_hash", "source_hash", "weights",
        "bits_per_weight", "stopped"})
    if (const Json& value = record.manifest[key]; !value.is_null())
      tags.push_back(entry(fmt::format("qbench.{}", key), text_of(value)));
  for (const std::string_view key : {"cpu", "chip", "os", "kernel"})
    if (const Json& value = document.run.host[key]; !value.is_null())
      tags.push_back(entry(fmt::format("qbench.host.{}", key), text_of(value)));
  for (const Measurement& m : record.measurements)
    if (const metrics::Metric* metric = metrics::find_metric(m.name); metric && m.value)
      tags.push_back(entry(fmt::format("unit.{}", m.name), metric->unit));
  return tags;
}

// The same each time: MLflow keeps one of what is sent twice.
Json::Array metrics_of(const Record& record) {
  Json::Array all;
  const int64_t timestamp = epoch_ms_of(record.recorded_at);
  const auto add = [&](const std::string& key, double value, int64_t step) {
    all.push_back(
        Json::object({{"key", key}, {"value", value}, {"timestamp", timestamp}, {"step", step}}));
  };
  for (const Measurement& m : record.measurements) {
    if (!m.value) continue;
    add(m.name, *m.value, 0);
    if (m.low) add(m.name + ".low", *m.low, 0);
    if (m.high) add(m.name + ".high", *m.high, 0);
    for (size_t i = 0; i < m.launch_values.size(); ++i)
      add(m.name + ".launch", m.launch_values[i], m.launch_indices[i] % repeat_offset);
  }
  return all;
}

// As a filter of MLflow's can quote it: a model's name may have any character.
std::string quotable(std::string text) {
  std::ranges::replace_if(text, [](char c) { return c == '\'' || c == '"' || c == '`'; }, '_');
  return text;
}

std::string newest_of(const std::vector<Record>& records) {
  std::string newest;
  for (const Record& record : records) newest = std::max(newest, record.recorded_at);
  return newest;
}

// The first `count` items, taken out.
Json::Array take(Json::Array& items, size_t count) {
  const auto end = items.begin() + static_cast<std::ptrdiff_t>(std::min(count, items.size()));
  Json::Array taken(std::make_move_iterator(items.begin()), std::make_move_iterator(end));
  items.erase(items.begin(), end);
  return taken;
}

class Mlflow {
 public:
  Mlflow(const MlflowSettings& settings, Http http) : settings_(settings), http_(std::move(http)) {}

  Result<std::string> find_experiment(const std::string& name) {
    QB_TRY(
        const Reply known,
        send("GET", "experiments/get-by-name?experiment_name=" + percent_encoded(name, false), {}));
    if (known.status == 200) return id_in(known.json["experiment"], "experiment_id");
    if (known.json["error_code"].as_string() != "RESOURCE_DOES_NOT_EXIST") return refused(known);
    QB_TRY(const Json made, post("experiments/create", Json::object({{"name", name}})));
    return id_in(made, "experiment_id");
  }

  struct Place {
    std::string run_id;
    std::string artifact_uri;
    // When what it holds was recorded; "" where it was not sent to its end.
    std::string recorded_at;
  };

  // The run with that tag, or a new one.
  Result<Place> find_run(const std::string& experiment, const std::string& name,
                         const std::string& tag, int64_t start_ms, Json::Array more_tags) {
    const Json query =
        Json::object({{"experiment_ids", Json::array_of(std::vector<std::string>{experiment})},
                      {"filter", fmt::format("tags.`{}` = '{}'", case_tag, tag)},
                      {"max_results", 1}});
    QB_TRY(const Json found, post("runs/search", query));
    if (const Json::Array& runs = found["runs"].as_array(); !runs.empty())
      return place_of(runs.front());
    more_tags.push_back(entry(case_tag, tag));
    QB_TRY(const Json made, post("runs/create", Json::object({{"experiment_id", experiment},
                                                              {"run_name", name},
                                                              {"start_time", start_ms},
                                                              {"tags", std::move(more_tags)}})));
    return place_of(made["run"]);
  }

  Result<void> log(const std::string& run_id, Json::Array metrics, Json::Array params,
                   Json::Array tags) {
    while (!metrics.empty() || !params.empty() || !tags.empty()) {
      const size_t params_left = metrics_a_call - std::min(metrics.size(), metrics_a_call);
      Json batch = Json::object({{"run_id", run_id}});
      batch.set("metrics", take(metrics, metrics_a_call));
      batch.set("params", take(params, std::min(params_a_call, params_left)));
      batch.set("tags", take(tags, std::min(tags_a_call, params_left)));
      QB_CHECK(post("runs/log-batch", batch));
    }
    return {};
  }

  Result<void> finish(const std::string& run_id, int64_t end_ms) {
    QB_CHECK(
        post("runs/update",
             Json::object({{"run_id", run_id}, {"status", "FINISHED"}, {"end_time", end_ms}})));
    return {};
  }

  // Error: the server gives no way to send it by HTTP, or refuses it.
  Result<void> send_page(const Place& place, const std::string& page) {
    constexpr std::string_view proxied = "mlflow-artifacts:/";
    if (!place.artifact_uri.starts_with(proxied))
      return fail(Errc::unsupported, "the server keeps artifacts in {}, which HTTP doesn't reach",
                  place.artifact_uri);
    const std::string folder = place.artifact_uri.substr(proxied.size());
    QB_TRY(const Reply reply,
           http_.send("PUT",
                      fmt::format("{}/api/2.0/mlflow-artifacts/artifacts/{}/report.html",
                                  settings_.uri, folder),
                      "text/html", page));
    if (reply.status != 200) return refused(reply);
    return {};
  }

 private:
  static Result<std::string> id_in(const Json& json, std::string_view key) {
    return with_context(json.get_string(key), "the server's answer is none of MLflow's");
  }

  static Result<Place> place_of(const Json& run) {
    const Json& info = run["info"];
    QB_TRY(const std::string id, id_in(info, "run_id"));
    Place place = {.run_id = id, .artifact_uri = info["artifact_uri"].as_string()};
    if (info["status"].as_string() != "FINISHED") return place;
    for (const Json& tag : run["data"]["tags"].as_array())
      if (tag["key"].as_string() == recorded_tag) place.recorded_at = tag["value"].as_string();
    return place;
  }

  Result<Reply> send(const std::string& method, const std::string& what, const std::string& body) {
    return http_.send(method, fmt::format("{}/api/2.0/mlflow/{}", settings_.uri, what),
                      body.empty() ? "" : "application/json", body);
  }

  Result<Json> post(const std::string& what, const Json& json) {
    QB_TRY(Reply reply, send("POST", what, dump_json(json)));
    if (reply.status != 200) return refused(reply);
    return std::move(reply.json);
  }

  static tl::unexpected<Error> refused(const Reply& reply) {
    const std::string& words = reply.json["message"].as_string();
    const std::string details = words.empty() ? "" : ": " + words;
    if (reply.status == 401 || reply.status == 403)
      return fail(Errc::bad_input,
                  "it refuses this user ({}{}); MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME "
                  "and MLFLOW_TRACKING_PASSWORD say who you are",
                  reply.status, details);
    if (reply.status >= 300 && reply.status < 400)
      return fail(Errc::bad_input, "it redirects ({}): name the address that it redirects to",
                  reply.status);
    return fail(Errc::unavailable, "it answers with {}{}", reply.status, details);
  }

  const MlflowSettings& settings_;
  Http http_;
};

}  // namespace

Result<MlflowSettings> mlflow_settings(const std::string& uri, const Environment& environment) {
  MlflowSettings settings = {.uri = uri};
  if (uri.empty()) settings.uri = environment("MLFLOW_TRACKING_URI").value_or("");
  if (settings.uri.empty())
    return fail(Errc::bad_input, "say where: --mlflow URI, or MLFLOW_TRACKING_URI");
  if (!settings.uri.starts_with("http://") && !settings.uri.starts_with("https://"))
    return fail(Errc::bad_input,
                "{}: must be the http address of a tracking server, as `mlflow server` makes one",
                settings.uri);
  while (settings.uri.ends_with('/')) settings.uri.pop_back();
  settings.experiment = environment("MLFLOW_EXPERIMENT_NAME").value_or("");
  HttpSettings& http = settings.http;
  http.token = environment("MLFLOW_TRACKING_TOKEN").value_or("");
  http.user = environment("MLFLOW_TRACKING_USERNAME").value_or("");
  http.password = environment("MLFLOW_TRACKING_PASSWORD").value_or("");
  http.certificates = environment("MLFLOW_TRACKING_SERVER_CERT_PATH").value_or("");
  http.trusts_any = environment("MLFLOW_TRACKING_INSECURE_TLS").value_or("") == "true";
  if (const auto timeout = environment("MLFLOW_HTTP_REQUEST_TIMEOUT")) {
    const auto seconds = parse_number<int64_t>(*timeout);
    if (!seconds || *seconds < 1)
      return fail(Errc::bad_input, "MLFLOW_HTTP_REQUEST_TIMEOUT: \"{}\" is no number of seconds",
                  *timeout);
    http.timeout_s = *seconds;
  }
  return settings;
}

Result<Published> publish(const report::Document& document, const std::string& page,
                          const MlflowSettings& settings) {
  QB_TRY(Http http, Http::open(settings.http));
  Mlflow mlflow(settings, std::move(http));
  const Run& run = document.run;
  QB_TRY(const std::string experiment,
         mlflow.find_experiment(settings.experiment.empty() ? "qbench/" + run.suite_name
                                                            : settings.experiment));
  const int64_t start_ms = epoch_ms_of(run.started_at);
  QB_TRY(const Mlflow::Place whole,
         mlflow.find_run(experiment, "run " + run.id, run.id, start_ms, {}));
  const std::string newest = newest_of(document.records);
  Published published = {.url = fmt::format("{}/#/experiments/{}", settings.uri, experiment)};
  for (const Record& record : document.records) {
    const std::string name = case_id(record.subject);
    QB_TRY(const Mlflow::Place place,
           mlflow.find_run(experiment, name, quotable(run.id + " " + name), start_ms,
                           {entry(parent_tag, whole.run_id)}));
    if (place.recorded_at == record.recorded_at) {
      ++published.known_count;
      continue;
    }
    QB_CHECK(
        mlflow.log(place.run_id, metrics_of(record), params_of(record), tags_of(document, record)));
    QB_CHECK(mlflow.finish(place.run_id, std::max(start_ms, epoch_ms_of(record.recorded_at))));
    ++published.new_count;
  }
  if (whole.recorded_at == newest) return published;
  if (const auto sent = mlflow.send_page(whole, page); !sent)
    published.page_problem = sent.error().message;
  QB_CHECK(mlflow.log(whole.run_id, {}, {}, {entry(recorded_tag, newest)}));
  QB_CHECK(mlflow.finish(whole.run_id, std::max(start_ms, epoch_ms_of(newest))));
  return published;
}

}  // namespace qb::publish
