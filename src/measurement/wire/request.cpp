#include "measurement/wire/request.h"

namespace qb::wire {
namespace {

constexpr int64_t count_max = 1'000'000;  // products of two counts stay small

}  // namespace

Json to_json(const Request& request) {
  const Workload& w = request.workload;
  const Limits& l = request.limits;
  Json json = Json::object({
      {"kind", request.is_quality ? "quality" : "speed"},
      {"bundle", request.bundle},
      {"device", request.device},
      {"batch", w.batch},
      {"thread_count", w.thread_count},
      {"prompt_tokens", w.prompt_tokens},
      {"generated_tokens", w.generated_tokens},
      {"depth_tokens", w.depth_tokens},
      {"arrivals_per_s", w.arrivals_per_s},
      {"seed", static_cast<int64_t>(request.seed)},
      {"warmup_count_min", l.warmup_count_min},
      {"warmup_duration_ns_min", l.warmup_duration_ns_min},
      {"iteration_count_min", l.iteration_count_min},
      {"duration_ns_min", l.duration_ns_min},
      {"duration_ns_max", l.duration_ns_max},
      {"memory_bytes_max", l.memory_bytes_max},
      {"process_count_max", l.process_count_max},
      {"dataset", request.dataset},
      {"baseline", request.baseline},
      {"baseline_output", request.baseline_output},
      {"item_count_max", request.item_count_max},
      {"logits_output", request.logits_output},
      {"logits_row_count_max", request.logits_row_count_max},
  });
  if (const auto& p = request.preparation)
    json.set("preparation", Json::object({{"model", p->model},
                                          {"scheme", p->scheme},
                                          {"data_folder", p->data_folder},
                                          {"cache_folder", p->cache_folder},
                                          {"thread_count", p->thread_count},
                                          {"with_layer_errors", p->with_layer_errors}}));
  if (request.model_file.empty()) return json;
  json.set("model_file", request.model_file);
  Json::Array inputs;
  for (const InputSpec& spec : request.inputs) inputs.push_back(qb::to_json(spec));
  json.set("inputs", std::move(inputs));
  return json;
}

Result<Request> request_from_json(const Json& json) {
  Request request;
  QB_TRY(const std::string kind, json.get_string("kind"));
  if (kind != "speed" && kind != "quality")
    return fail(Errc::bad_input, "field \"kind\" must be speed or quality, not \"{}\"", kind);
  request.is_quality = kind == "quality";
  QB_TRY(request.bundle, json.get_string("bundle"));
  request.model_file = json["model_file"].as_string();
  if (const Json& p = json["preparation"]; !p.is_null())
    request.preparation = {p["model"].as_string(),       p["scheme"].as_string(),
                           p["data_folder"].as_string(), p["cache_folder"].as_string(),
                           p["thread_count"].as_int(),   p["with_layer_errors"].as_bool()};
  for (const Json& item : json["inputs"].as_array()) {
    QB_TRY(InputSpec spec, with_context(input_spec_from_json(item), "field \"inputs\""));
    request.inputs.push_back(std::move(spec));
  }
  QB_TRY(request.device, json.get_string("device"));
  QB_TRY(request.workload.batch, json.get_int("batch"));
  QB_TRY(request.workload.thread_count, json.get_int("thread_count"));
  if (request.workload.batch < 1 || request.workload.thread_count < 1)
    return fail(Errc::bad_input, "fields \"batch\" and \"thread_count\" must be at least 1");
  request.workload.prompt_tokens = json["prompt_tokens"].as_int();
  request.workload.generated_tokens = json["generated_tokens"].as_int();
  request.workload.depth_tokens = json["depth_tokens"].as_int();
  for (const char* field :
       {"batch", "thread_count", "prompt_tokens", "generated_tokens", "depth_tokens"})
    if (json[field].as_int() < 0 || json[field].as_int() > count_max)
      return fail(Errc::bad_input, "field \"{}\" must be at most {}", field, count_max);
  request.workload.arrivals_per_s = json["arrivals_per_s"].as_double();
  if (!(request.workload.arrivals_per_s >= 0.0 && request.workload.arrivals_per_s <= 1e6))
    return fail(Errc::bad_input, "field \"arrivals_per_s\" must be between 0 and a million");
  request.seed = static_cast<uint64_t>(json["seed"].as_int());
  const Limits defaults;
  request.limits.warmup_count_min = json["warmup_count_min"].as_int(defaults.warmup_count_min);
  request.limits.warmup_duration_ns_min = json["warmup_duration_ns_min"].as_int();
  request.limits.iteration_count_min =
      json["iteration_count_min"].as_int(defaults.iteration_count_min);
  request.limits.duration_ns_min = json["duration_ns_min"].as_int();
  request.limits.duration_ns_max = json["duration_ns_max"].as_int();
  request.limits.memory_bytes_max = json["memory_bytes_max"].as_int();
  request.limits.process_count_max = json["process_count_max"].as_int();
  request.dataset = json["dataset"].as_string();
  request.baseline = json["baseline"].as_string();
  request.baseline_output = json["baseline_output"].as_string();
  request.item_count_max = json["item_count_max"].as_int();
  request.logits_output = json["logits_output"].as_string();
  request.logits_row_count_max = json["logits_row_count_max"].as_int();
  if (request.item_count_max < 0 || request.logits_row_count_max < 0)
    return fail(Errc::bad_input,
                "fields \"item_count_max\" and \"logits_row_count_max\" must not be negative");
  return request;
}

}  // namespace qb::wire
