#include "measurement/worker/run.h"

#include <algorithm>

#include "base/clock.h"
#include "compression/bundle/tensor_file.h"
#include "measurement/probes/process.h"

namespace qb::worker {
namespace {

void send_if_told(const wire::Send& send, std::string name, std::optional<int64_t> value) {
  if (value) send(wire::Fact{std::move(name), *value});
}

// Tokens the caches must hold: the workload's, or a window of the dataset.
Result<int64_t> context_of(const bundle::Bundle& bundle, const wire::Request& request) {
  if (!is_language_model(bundle.graph())) return 0;
  const int64_t workload_tokens = request.workload.depth_tokens + request.workload.prompt_tokens +
                                  request.workload.generated_tokens;
  if (!request.is_quality) return workload_tokens;
  QB_TRY(const bundle::TensorFile dataset, bundle::TensorFile::open(request.dataset));
  QB_TRY(const TensorView tokens, dataset.find("tokens", ElementType::i64, 2));
  return std::max(tokens.shape[1], workload_tokens);
}

}  // namespace

bool is_language_model(const ir::Graph& graph) {
  for (const ir::Value input : graph.of_kind(ir::ValueKind::input))
    if (graph[input].name == "tokens") return true;
  return false;
}

Result<void> run_request(Engine& engine, const wire::Request& request, const wire::Send& send) {
  const Description description = engine.describe();
  send(wire::Fact{"framework_version", description.version});
  if (!description.available)
    return fail(Errc::unavailable, "{}; {}", description.reason, description.remedy);
  send_if_told(send, "rss_bytes_start", probes::resident_bytes());
  if (!request.model_file.empty()) return run_file(engine, request, send);
  send(wire::PhaseStarted{"load"});
  const int64_t load_start = now_ns();
  QB_TRY(const bundle::Bundle bundle, bundle::load_bundle(request.bundle));
  send(SampleSeries{"load", {now_ns() - load_start}});
  send(wire::Fact{"bundle_bytes", bundle.stored_bytes()});

  QB_TRY(const int64_t context_tokens, context_of(bundle, request));
  std::optional<SampleRoom> room;
  if (!request.is_quality) room.emplace();
  const probes::ResidentParts loaded = probes::resident_parts();
  send(wire::PhaseStarted{"compile"});
  const int64_t compile_start = now_ns();
  QB_TRY(const std::unique_ptr<Session> session,
         engine.compile(bundle, {.device = request.device,
                                 .thread_count = request.workload.thread_count,
                                 .batch = request.is_quality ? 1 : request.workload.batch,
                                 .context_tokens = context_tokens}));
  send(SampleSeries{"compile", {now_ns() - compile_start}});
  if (request.is_quality) {
    QB_CHECK(measure_quality(bundle, *session, request, send));
    QB_CHECK(answer_as_when_timed(bundle, *session, request, send));
  } else {
    Measuring measuring(*room, loaded);
    QB_CHECK(measure_speed(bundle, *session, request, measuring, send));
    measuring.send(request.bundle, send);
  }
  send(wire::Fact{"actual", session->actual()});
  return {};
}

}  // namespace qb::worker
