#include "measurement/prepare/preparation.h"

#include <algorithm>

#include "base/clock.h"
#include "compression/bundle/model.h"
#include "compression/bundle/outline.h"
#include "compression/quant/scheme.h"
#include "measurement/prepare/dataset.h"

namespace qb::prepare {
namespace {

Json describe(const ModelSource& source) {
  bundle::Outline outline;
  for (const auto& [name, graph] : source.networks) bundle::add(bundle::outline_of(graph), outline);
  return Json::object({{"hash", source.source_hash},
                       {"weights", source.weights},
                       {"format", source.format},
                       {"name", source.model.name},
                       {"task", source.model.task},
                       {"context_tokens", source.model.context_tokens},
                       {"weight_count", outline.weight_count()},
                       {"outline", bundle::to_json(outline)}});
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
  QB_TRY(const std::vector<bundle::NamedBundle> networks, bundle::load_model(folder));
  int64_t parameter_count = 0;
  int64_t element_count = 0;
  int64_t stored_bytes = 0;
  for (const auto& [name, bundle] : networks)
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

// Of all networks, the worst first.
Result<Json> describe_errors(std::span<const compress::NetworkJob> jobs,
                             const std::filesystem::path& folder) {
  QB_TRY(const std::vector<bundle::NetworkFolder> networks, bundle::find_networks(folder));
  std::vector<compress::LayerError> all;
  for (size_t i = 0; i < jobs.size(); ++i) {
    QB_TRY(std::vector<compress::LayerError> errors,
           compress::layer_errors(jobs[i].job, networks[i].folder));
    for (compress::LayerError& error : errors) {
      if (!jobs[i].name.empty()) error.parameter = jobs[i].name + "/" + error.parameter;
      all.push_back(std::move(error));
    }
  }
  std::ranges::sort(all, compress::is_worse);
  Json::Array layers;
  for (const compress::LayerError& error : all) layers.push_back(describe(error));
  return Json(std::move(layers));
}

Result<void> run_bundle(const wire::Preparation& p, const ModelSource& source,
                        const wire::Send& send) {
  QB_TRY(const quant::Scheme scheme, quant::find_scheme(p.scheme));
  send(wire::PhaseStarted{fmt::format("{} in {}", source.model.name, p.scheme)});
  QB_TRY(std::vector<compress::NetworkJob> jobs,
         bundle_jobs(source, scheme, p.data_folder, p.cache_folder));
  for (auto& [name, job] : jobs) {
    if (p.thread_count > 0) job.thread_count = p.thread_count;
    if (p.with_layer_errors) job.tell = teller(send);
  }
  QB_TRY(const std::filesystem::path folder,
         with_context(compress::build_model(jobs),
                      fmt::format("{} in {}", source.model.name, p.scheme)));
  send(wire::Fact{"bundle", folder.string()});
  if (!p.with_layer_errors) return {};
  QB_TRY(const Json layers, describe_errors(jobs, folder));
  send(wire::Fact{"layers", layers});
  QB_TRY(const Json stored, describe_stored(folder));
  send(wire::Fact{"stored", stored});
  if (const auto& calibration = jobs.front().job.calibration)
    send(wire::Fact{"calibration", describe(*calibration)});
  return {};
}

}  // namespace

Result<void> run_preparation(const wire::Preparation& preparation, const ModelSource& source,
                             const wire::Send& send) {
  send(wire::Fact{"source", describe(source)});
  if (preparation.only_looks) return {};
  if (!preparation.scheme.empty()) return run_bundle(preparation, source, send);
  send(wire::PhaseStarted{fmt::format("data for {}", source.model.name)});
  QB_TRY(const Dataset dataset,
         prepare_dataset(source, preparation.data_folder, preparation.cache_folder,
                         {preparation.text_file, preparation.images}));
  send(wire::Fact{"dataset", describe(dataset)});
  return {};
}

Result<void> run_preparation(const wire::Request& request, const wire::Send& send) {
  const wire::Preparation& p = *request.preparation;
  QB_TRY(const ModelSource source, open_model(p.model, p.data_folder));
  return run_preparation(p, source, send);
}

}  // namespace qb::prepare
