// Runs one request with an engine.
#pragma once

#include "base/result.h"
#include "measurement/wire/request.h"
#include "measurement/wire/send.h"
#include "measurement/worker/engine.h"
#include "measurement/worker/measuring.h"

namespace qb::worker {

// Loads, compiles and measures; sends phases, samples and facts. An error becomes the outcome.
Result<void> run_request(Engine& engine, const wire::Request& request, const wire::Send& send);

// The parts of it. `bundle` is loaded, `session` compiled; phases load and compile are sent. What
// `measuring` found in the timed loop is left to its send().
Result<void> measure_speed(const bundle::Bundle& bundle, Session& session,
                           const wire::Request& request, Measuring& measuring,
                           const wire::Send& send);
Result<void> measure_quality(const bundle::Bundle& bundle, Session& session,
                             const wire::Request& request, const wire::Send& send);

// The same for a model file of the user's own; the engine is known to be available.
Result<void> run_file(Engine& engine, const wire::Request& request, const wire::Send& send);

// The first question of the speed launches, which a quality launch must answer alike: sends
// "output_hash". Nothing when the workload has a batch, which quality is not measured with.
Result<void> answer_as_when_timed(const bundle::Bundle& bundle, Session& session,
                                  const wire::Request& request, const wire::Send& send);

// The graph's inputs decide the task.
bool is_language_model(const ir::Graph& graph);

}  // namespace qb::worker
