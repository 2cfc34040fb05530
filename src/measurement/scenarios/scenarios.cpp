#include "measurement/scenarios/scenarios.h"

#include <algorithm>

#include "measurement/probes/process.h"
#include "measurement/worker/emission.h"

namespace qb::scenarios {

// Each in its file.
Result<void> run_language(worker::Engine& engine, const wire::Request& request,
                          const wire::Send& send);
Result<void> run_zero_shot(worker::Engine& engine, const wire::Request& request,
                           const wire::Send& send);
Result<void> run_classification(worker::Engine& engine, const wire::Request& request,
                                const wire::Send& send);
Result<void> run_embedding(worker::Engine& engine, const wire::Request& request,
                           const wire::Send& send);
Result<void> run_own_file(worker::Engine& engine, const wire::Request& request,
                          const wire::Send& send);

namespace {

constexpr Scenario rows[] = {
    {"causal_lm", run_language},
    {"zero_shot", run_zero_shot},
    {"image_classification", run_classification},
    {"embedding", run_embedding},
    {"own_file", run_own_file},
};

}  // namespace

std::span<const Scenario> scenarios() { return rows; }

Result<void> run_request(worker::Engine& engine, const wire::Request& request,
                         const wire::Send& send) {
  const worker::Description description = engine.describe();
  send(wire::Fact{"framework_version", description.version});
  if (request.emission) return worker::emit_package(engine, *request.emission, send);
  if (!description.available)
    return fail(Errc::unavailable, "{}; {}", description.reason, description.remedy);
  if (const auto bytes = probes::resident_bytes()) send(wire::Fact{"rss_bytes_start", *bytes});
  const auto row = std::ranges::find(rows, request.task, &Scenario::task);
  if (row == std::end(rows))
    return fail(Errc::bad_input, "no scenario carries out \"{}\"", request.task);
  return row->run(engine, request, send);
}

}  // namespace qb::scenarios
