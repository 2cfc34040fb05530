// The worker's other work: a package that the engine writes instead of running.
#pragma once

#include "base/result.h"
#include "measurement/wire/request.h"
#include "measurement/wire/send.h"
#include "measurement/worker/engine.h"

namespace qb::worker {

// Makes the emission's folder and has the engine fill it. Sends the phases load and emit, and as a
// fact "package" {"files": [{"name", "bytes"}], "bytes", "notes": what the engine says of it}.
// Errors: those of bundle::load_model and Engine::emit; bad_input, for a dimension that is none.
Result<void> emit_package(Engine& engine, const wire::Emission& emission, const wire::Send& send);

}  // namespace qb::worker
