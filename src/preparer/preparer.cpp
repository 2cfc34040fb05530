#include "preparer/preparer.h"

#include "prepare/dataset.h"
#include "prepare/model_source.h"
#include "quant/scheme.h"

namespace qb::preparer {
namespace {

Json describe(const prepare::ModelSource& source) {
  int64_t weight_count = 0;
  for (const ir::Value value : source.graph.of_kind(ir::ValueKind::parameter))
    weight_count += ir::element_count(source.graph[value].shape);
  return Json::object({{"hash", source.source_hash},
                       {"weights", source.weights},
                       {"task", models::name_of(source.model.task)},
                       {"weight_count", weight_count}});
}

Json describe(const prepare::Dataset& dataset) {
  return Json::object({{"file", dataset.file.string()},
                       {"name", dataset.name},
                       {"content_hash", dataset.content_hash},
                       {"item_count", dataset.item_count}});
}

}  // namespace

Result<void> run_preparation(const wire::Request& request, const worker::Send& send) {
  const wire::Preparation& p = *request.preparation;
  QB_TRY(const prepare::ModelSource source, prepare::open_model(p.model, p.data_folder));
  send(wire::Fact{"source", describe(source)});
  if (p.scheme.empty()) {
    send(wire::PhaseStarted{fmt::format("data for {}", p.model)});
    QB_TRY(const prepare::Dataset dataset,
           prepare::prepare_dataset(source, p.data_folder, p.cache_folder));
    send(wire::Fact{"dataset", describe(dataset)});
    return {};
  }
  QB_TRY(const quant::Scheme scheme, quant::find_scheme(p.scheme));
  send(wire::PhaseStarted{fmt::format("{} in {}", p.model, p.scheme)});
  QB_TRY(const std::filesystem::path folder,
         prepare::prepare_bundle(source, scheme, p.data_folder, p.cache_folder, {}));
  send(wire::Fact{"bundle", folder.string()});
  return {};
}

}  // namespace qb::preparer
