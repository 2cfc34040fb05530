#include "measurement/scenarios/model_run.h"

#include <optional>

#include "base/clock.h"
#include "compression/bundle/model.h"
#include "measurement/probes/process.h"
#include "measurement/worker/networks.h"

namespace qb::scenarios {
namespace {

Result<void> judge(const ModelTask& task, Networks networks, const bundle::TensorFile& dataset,
                   const wire::Request& request, const wire::Send& send) {
  send(wire::PhaseStarted{"quality"});
  send(wire::Fact{"dataset_hash", dataset.content_hash()});
  QB_CHECK(task.measure_quality(networks, dataset, request, send));
  return answer_as_when_timed(task, networks, request, send);
}

// All networks' bundles, mapped and found to be of the task.
Result<std::vector<worker::Network>> load(const ModelTask& task, const wire::Request& request,
                                          const wire::Send& send) {
  send(wire::PhaseStarted{"load"});
  const int64_t load_start = now_ns();
  QB_TRY(std::vector<worker::Network> networks, worker::load_networks(request.bundle));
  send(SampleSeries{"load", {now_ns() - load_start}});
  std::vector<GraphView> graphs;
  size_t stored_bytes = 0;
  for (const worker::Network& network : networks) {
    graphs.push_back({network.name, network.bundle->graph()});
    stored_bytes += network.bundle->stored_bytes();
  }
  QB_CHECK(task.check(graphs));
  send(wire::Fact{"bundle_bytes", stored_bytes});
  return networks;
}

// What each network runs on; of a model of several, by its name.
Json actual_of(Networks networks) {
  if (networks.size() == 1) return networks[0].session.actual();
  Json actual = Json::object({});
  for (const NetworkView& network : networks) actual.set(network.name, network.session.actual());
  return actual;
}

}  // namespace

Result<const ir::Graph*> only_graph(std::span<const GraphView> graphs) {
  if (graphs.size() == 1) return &graphs[0].graph;
  return fail(Errc::bad_input, "the model has {} networks, this task takes one", graphs.size());
}

Result<void> run_model(const ModelTask& task, worker::Engine& engine, const wire::Request& request,
                       const wire::Send& send) {
  QB_TRY(std::vector<worker::Network> loaded, load(task, request, send));
  std::optional<bundle::TensorFile> dataset;
  if (request.is_quality) {
    QB_TRY(dataset, bundle::TensorFile::open(request.dataset));
  }
  QB_TRY(const int64_t context_tokens, task.context_tokens(request, dataset ? &*dataset : nullptr));
  std::optional<worker::SampleRoom> room;
  if (!request.is_quality) room.emplace();
  const probes::ResidentParts before = probes::resident_parts();
  send(wire::PhaseStarted{"compile"});
  const int64_t compile_start = now_ns();
  QB_CHECK(worker::compile_networks(engine,
                                    {.device = request.device,
                                     .thread_count = request.workload.thread_count(),
                                     .batch = request.is_quality ? 1 : request.workload.batch(),
                                     .context_tokens = context_tokens},
                                    loaded));
  send(SampleSeries{"compile", {now_ns() - compile_start}});
  std::vector<NetworkView> networks;
  for (const worker::Network& network : loaded)
    networks.push_back({network.name, *network.bundle, *network.session});
  if (dataset) {
    QB_CHECK(judge(task, networks, *dataset, request, send));
  } else {
    worker::Measuring measuring(*room, before);
    QB_CHECK(task.measure_speed(networks, request, measuring, send));
    QB_TRY(const auto folders, bundle::find_networks(request.bundle));
    std::vector<std::string> weights;
    for (const bundle::NetworkFolder& network : folders) weights.push_back(network.folder.string());
    measuring.send(weights, send);
  }
  send(wire::Fact{"actual", actual_of(networks)});
  return {};
}

Result<void> answer_as_when_timed(const ModelTask& task, Networks networks,
                                  const wire::Request& request, const wire::Send& send) {
  if (request.workload.batch() != 1) return {};
  QB_TRY(std::string hash, task.answer_first(networks, request));
  if (!hash.empty()) send(wire::Fact{"output_hash", std::move(hash)});
  return {};
}

}  // namespace qb::scenarios
