#include "measurement/prepare/preparation.h"

#include "base/clock.h"
#include "compression/quant/scheme.h"
#include "measurement/prepare/dataset.h"
#include "measurement/prepare/model_source.h"

namespace qb::prepare {
namespace {

Json describe(const ModelSource& source) {
  int64_t weight_count = 0;
  for (const ir::Value value : source.graph.of_kind(ir::ValueKind::parameter))
    weight_count += ir::element_count(source.graph[value].shape);
  return Json::object({{"hash", source.source_hash},
                       {"weights", source.weights},
                       {"task", source.model.task},
                       {"weight_count", weight_count}});
}

Json describe(const Dataset& dataset) {
  return Json::object({{"file", dataset.file.string()},
                       {"name", dataset.name},
                       {"content_hash", dataset.content_hash},
                       {"item_count", dataset.item_count}});
}

Json describe(const compress::CalibrationSet& set) {
  return Json::object({{"file", set.file.string()},
                       {"name", set.name},
                       {"content_hash", set.content_hash},
                       {"item_count", set.item_count}});
}

Json describe(const compress::LayerError& error) {
  const auto decibels = [](const std::optional<double>& value) {
    return value ? Json(*value) : Json();
  };
  return Json::object({{"parameter", error.parameter},
                       {"roles", error.roles},
                       {"stored_as", error.stored_as},
                       {"weight_count", error.weight_count},
                       {"stored_bytes", error.stored_bytes},
                       {"sqnr_db", decibels(error.sqnr_db)},
                       {"output_sqnr_db", decibels(error.output_sqnr_db)}});
}

Result<Json> describe_stored(const std::filesystem::path& folder) {
  QB_TRY(const bundle::Bundle bundle, bundle::load_bundle(folder));
  int64_t parameter_count = 0;
  int64_t element_count = 0;
  int64_t stored_bytes = 0;
  for (const ir::Value value : bundle.graph().of_kind(ir::ValueKind::parameter)) {
    ++parameter_count;
    element_count += ir::element_count(bundle.graph()[value].shape);
    stored_bytes += static_cast<int64_t>(bundle.parameter(value).stored_bytes());
  }
  return Json::object({{"parameter_count", parameter_count},
                       {"element_count", element_count},
                       {"bytes", stored_bytes}});
}

// Tells how far the work is, some times a second.
compress::Tell teller(const wire::Send& send) {
  constexpr int64_t interval_ns = 100'000'000;
  return [&send, told_ns = int64_t{0}](std::string_view what, double share) mutable {
    if (now_ns() - told_ns < interval_ns) return;
    told_ns = now_ns();
    send(wire::PhaseStarted{fmt::format("{:3.0f} %  {}", share * 100.0, what)});
  };
}

Result<void> run_bundle(const wire::Preparation& p, const ModelSource& source,
                        const wire::Send& send) {
  QB_TRY(const quant::Scheme scheme, quant::find_scheme(p.scheme));
  send(wire::PhaseStarted{fmt::format("{} in {}", p.model, p.scheme)});
  QB_TRY(compress::Job job, bundle_job(source, scheme, p.data_folder, p.cache_folder));
  if (p.thread_count > 0) job.thread_count = p.thread_count;
  if (p.with_layer_errors) job.tell = teller(send);
  QB_TRY(const std::filesystem::path folder,
         with_context(compress::build_bundle(job), fmt::format("{} in {}", p.model, p.scheme)));
  send(wire::Fact{"bundle", folder.string()});
  if (!p.with_layer_errors) return {};
  QB_TRY(const std::vector<compress::LayerError> errors, compress::layer_errors(job, folder));
  Json::Array layers;
  for (const compress::LayerError& error : errors) layers.push_back(describe(error));
  send(wire::Fact{"layers", std::move(layers)});
  QB_TRY(const Json stored, describe_stored(folder));
  send(wire::Fact{"stored", stored});
  if (job.calibration) send(wire::Fact{"calibration", describe(*job.calibration)});
  return {};
}

}  // namespace

Result<void> run_preparation(const wire::Request& request, const wire::Send& send) {
  const wire::Preparation& p = *request.preparation;
  QB_TRY(const ModelSource source, open_model(p.model, p.data_folder));
  send(wire::Fact{"source", describe(source)});
  if (p.scheme.empty()) {
    send(wire::PhaseStarted{fmt::format("data for {}", p.model)});
    QB_TRY(const Dataset dataset, prepare_dataset(source, p.data_folder, p.cache_folder));
    send(wire::Fact{"dataset", describe(dataset)});
    return {};
  }
  return run_bundle(p, source, send);
}

}  // namespace qb::prepare
