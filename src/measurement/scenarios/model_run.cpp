#include "measurement/scenarios/model_run.h"

#include <optional>

#include "base/clock.h"
#include "measurement/probes/process.h"
#include "measurement/scenarios/judge.h"

namespace qb::scenarios {
namespace {

Result<void> judge(const ModelTask& task, const bundle::Bundle& bundle, worker::Session& session,
                   const bundle::TensorFile& dataset, const wire::Request& request,
                   const wire::Send& send) {
  send(wire::PhaseStarted{"quality"});
  send(wire::Fact{"dataset_hash", dataset.content_hash()});
  QB_CHECK(task.measure_quality(bundle, session, dataset, request, send));
  return answer_as_when_timed(task, bundle, session, request, send);
}

}  // namespace

Result<void> run_model(const ModelTask& task, worker::Engine& engine, const wire::Request& request,
                       const wire::Send& send) {
  send(wire::PhaseStarted{"load"});
  const int64_t load_start = now_ns();
  QB_TRY(const bundle::Bundle bundle, bundle::load_bundle(request.bundle));
  send(SampleSeries{"load", {now_ns() - load_start}});
  QB_CHECK(task.check(bundle.graph()));
  send(wire::Fact{"bundle_bytes", bundle.stored_bytes()});

  std::optional<bundle::TensorFile> dataset;
  if (request.is_quality) {
    QB_TRY(dataset, bundle::TensorFile::open(request.dataset));
  }
  QB_TRY(const int64_t context_tokens, task.context_tokens(request, dataset ? &*dataset : nullptr));
  std::optional<worker::SampleRoom> room;
  if (!request.is_quality) room.emplace();
  const probes::ResidentParts loaded = probes::resident_parts();
  send(wire::PhaseStarted{"compile"});
  const int64_t compile_start = now_ns();
  QB_TRY(const std::unique_ptr<worker::Session> session,
         engine.compile(bundle, {.device = request.device,
                                 .thread_count = request.workload.thread_count(),
                                 .batch = request.is_quality ? 1 : request.workload.batch(),
                                 .context_tokens = context_tokens}));
  send(SampleSeries{"compile", {now_ns() - compile_start}});
  if (dataset) {
    QB_CHECK(judge(task, bundle, *session, *dataset, request, send));
  } else {
    worker::Measuring measuring(*room, loaded);
    QB_CHECK(task.measure_speed(bundle, *session, request, measuring, send));
    measuring.send(request.bundle, send);
  }
  send(wire::Fact{"actual", session->actual()});
  return {};
}

Result<void> answer_as_when_timed(const ModelTask& task, const bundle::Bundle& bundle,
                                  worker::Session& session, const wire::Request& request,
                                  const wire::Send& send) {
  if (request.workload.batch() != 1) return {};
  QB_TRY(const bool was_asked, task.ask_first(bundle, session, request));
  if (!was_asked) return {};
  QB_TRY(std::string hash, hash_of_logits(session));
  send(wire::Fact{"output_hash", std::move(hash)});
  return {};
}

}  // namespace qb::scenarios
