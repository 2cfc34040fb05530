#include "worker/run.h"

#include <algorithm>

#include "base/clock.h"
#include "bundle/tensor_file.h"
#include "probes/condition.h"
#include "probes/energy.h"
#include "probes/process.h"

namespace qb::worker {
namespace {

void send_if_told(const Send& send, std::string name, std::optional<int64_t> value) {
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

// Process, system and energy counters around the timed part, and the machine's condition.
struct UsageBefore {
  int64_t probing_ns = now_ns();
  Json condition = probes::describe_condition();
  probes::ResidentParts memory = probes::resident_parts();
  std::optional<int64_t> resident_bytes = probes::resident_bytes();
  bool is_peak_reset = probes::reset_peak_resident();
  probes::EnergyMeter energy;
  probes::ProcessUsage process = probes::process_usage();
  probes::SystemUsage system = probes::system_usage();
  int64_t start_ns = now_ns();
};

void send_usage(const Send& send, const UsageBefore& before) {
  const int64_t end_ns = now_ns();
  const std::optional<int64_t> energy_uj = before.energy.used_uj();
  const probes::SystemUsage system = probes::system_usage();
  const probes::ProcessUsage process = probes::process_usage();
  const auto difference = [&](std::string name, std::optional<int64_t> from,
                              std::optional<int64_t> to) {
    if (from && to) send(wire::Fact{std::move(name), *to - *from});
  };
  send(wire::Fact{"measure_time_ns", end_ns - before.start_ns});
  difference("cpu_time_ns", before.process.cpu_time_ns, process.cpu_time_ns);
  difference("voluntary_context_switches", before.process.voluntary_context_switches,
             process.voluntary_context_switches);
  difference("involuntary_context_switches", before.process.involuntary_context_switches,
             process.involuntary_context_switches);
  difference("minor_page_faults", before.process.minor_page_faults, process.minor_page_faults);
  difference("major_page_faults", before.process.major_page_faults, process.major_page_faults);
  difference("steal_time_ns", before.system.steal_time_ns, system.steal_time_ns);
  difference("system_busy_time_ns", before.system.busy_time_ns, system.busy_time_ns);
  if (energy_uj) {
    send(wire::Fact{"energy_uj", *energy_uj});
    send(wire::Fact{"energy_source", before.energy.source()});
  } else {
    send(wire::Fact{"energy_reason", before.energy.reason()});
  }
  if (const auto dram_uj = before.energy.used_dram_uj())
    send(wire::Fact{"energy_dram_uj", *dram_uj});
  else
    send(wire::Fact{"energy_dram_reason", before.energy.dram_reason()});
  send(wire::Fact{"condition_before", before.condition});
  send(wire::Fact{"condition_after", probes::describe_condition()});
}

// Peak and steady memory, and what of it are weights and what is scratch (docs/methodology.md).
void send_memory(const Send& send, const UsageBefore& before, const probes::ResidentParts& loaded,
                 const wire::Request& request) {
  const std::optional<int64_t> peak = probes::peak_resident_bytes();
  // Where the peak can't be reset it is that of the whole life, compiling included.
  send_if_told(send, before.is_peak_reset ? "rss_bytes_peak_run" : "rss_bytes_peak_life", peak);
  send_if_told(send, "rss_bytes_steady", probes::resident_bytes());
  const probes::ResidentParts after = probes::resident_parts();
  const std::optional<int64_t> weights =
      request.bundle.empty() ? std::nullopt : probes::resident_bytes_of_files(request.bundle);
  if (weights && loaded.private_bytes && before.memory.private_bytes)
    send(wire::Fact{
        "rss_bytes_weights",
        *weights + std::max<int64_t>(0, *before.memory.private_bytes - *loaded.private_bytes)});
  if (before.is_peak_reset && peak && before.resident_bytes && after.mapped_bytes &&
      before.memory.mapped_bytes)
    send(wire::Fact{"rss_bytes_scratch",
                    std::max<int64_t>(0, *peak - *before.resident_bytes -
                                             (*after.mapped_bytes - *before.memory.mapped_bytes))});
}

// What the probes took, before and after the timed part; the samples' own clock readings are in
// bench/timed_loop.cpp.
void send_probe_time(const Send& send, const UsageBefore& before, int64_t end_ns) {
  send(wire::Fact{"probe_time_ns", (before.start_ns - before.probing_ns) + (now_ns() - end_ns)});
}

}  // namespace

bool is_language_model(const ir::Graph& graph) {
  for (const ir::Value input : graph.of_kind(ir::ValueKind::input))
    if (graph[input].name == "tokens") return true;
  return false;
}

Result<void> measure_with_probes(const wire::Request& request, const probes::ResidentParts& loaded,
                                 const std::function<Result<void>()>& measure, const Send& send) {
  send_if_told(send, "rss_bytes_peak_compile", probes::peak_resident_bytes());
  const UsageBefore before;
  QB_CHECK(measure());
  const int64_t end_ns = now_ns();
  send_usage(send, before);
  send_memory(send, before, loaded, request);
  send_probe_time(send, before, end_ns);
  return {};
}

Result<void> run_request(Engine& engine, const wire::Request& request, const Send& send) {
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
    QB_CHECK(measure_with_probes(
        request, loaded, [&] { return measure_speed(bundle, *session, request, send); }, send));
  }
  send(wire::Fact{"actual", session->actual()});
  return {};
}

}  // namespace qb::worker
