#include "measurement/wire/request.h"

#include "base/json_fields.h"

namespace qb {

Result<void> from_json(const Json& json, Workload& workload) {
  QB_TRY(workload, workload_from_json(json));
  return {};
}

Result<void> from_json(const Json& json, InputSpec& spec) {
  QB_TRY(spec, input_spec_from_json(json));
  return {};
}

namespace wire {

template <typename Field>
void visit(Field& field, Of<Field, Limits>& limits) {
  field("warmup_count_min", limits.warmup_count_min);
  field("warmup_duration_ns_min", limits.warmup_duration_ns_min);
  field("iteration_count_min", limits.iteration_count_min);
  field("duration_ns_min", limits.duration_ns_min);
  field("duration_ns_max", limits.duration_ns_max);
  field("memory_bytes_max", limits.memory_bytes_max);
  field("process_count_max", limits.process_count_max);
}

template <typename Field>
void visit(Field& field, Of<Field, Preparation>& preparation) {
  field("model", preparation.model);
  field("scheme", preparation.scheme);
  field("data_folder", preparation.data_folder);
  field("cache_folder", preparation.cache_folder);
  field("text_file", preparation.text_file);
  field("images", preparation.images);
  field("thread_count", preparation.thread_count);
  field("only_looks", preparation.only_looks);
  field("with_layer_errors", preparation.with_layer_errors);
}

template <typename Field>
void visit(Field& field, Of<Field, FixedExtent>& fixed) {
  field("dimension", fixed.dimension);
  field("extent", fixed.extent);
}

template <typename Field>
void visit(Field& field, Of<Field, Emission>& emission) {
  field("bundle", emission.bundle);
  field("target", emission.target);
  field("extents", emission.extents);
  field("folder", emission.folder);
}

template <typename Field>
void visit(Field& field, Of<Field, Request>& request) {
  field("is_quality", request.is_quality);
  field("bundle", request.bundle);
  field("model_file", request.model_file);
  field("inputs", request.inputs);
  field("device", request.device);
  field("task", request.task);
  field("workload", request.workload);
  field("seed", request.seed);
  field("limits", request.limits);
  field("dataset", request.dataset);
  field("baseline", request.baseline);
  field("baseline_output", request.baseline_output);
  field("item_count_max", request.item_count_max);
  field("logits_output", request.logits_output);
  field("logits_row_count_max", request.logits_row_count_max);
  field("preparation", request.preparation);
  field("emission", request.emission);
}

Json to_json(const Request& request) { return fields_to_json(request); }

Result<Request> request_from_json(const Json& json) {
  Request request;
  QB_CHECK(read_fields_into(json, request));
  if (request.item_count_max < 0 || request.logits_row_count_max < 0)
    return fail(Errc::bad_input,
                "fields \"item_count_max\" and \"logits_row_count_max\" must not be negative");
  if (request.preparation || request.emission) return request;
  const task::Task* task = task::find_task(request.task);
  if (!task) return fail(Errc::bad_input, "field \"task\": no task is called \"{}\"", request.task);
  QB_CHECK(with_context(task::check(*task, request.workload), "field \"workload\""));
  return request;
}

}  // namespace wire
}  // namespace qb
