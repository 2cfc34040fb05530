// What every engine checks of a step before it runs it.
#pragma once

#include "base/result.h"
#include "ir/graph.h"
#include "worker/engine.h"

namespace qb::worker {

// The symbols' extents in this step, from the inputs' shapes. Errors: bad_input, for an input that
// doesn't fit the graph, an index outside what it looks up, or more tokens than the caches hold.
Result<ir::Extents> check_step(const ir::Graph& graph, const CompileOptions& options,
                               const StepInputs& inputs);

}  // namespace qb::worker
