// Has qbench-prepare make something for a verb, and shows what it tells.
#pragma once

#include <atomic>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "orchestration/campaign/preparation.h"

namespace qb::cli {

// How the processes of a verb are run: the machine's memory is theirs, and their logs lie in a
// folder of this call's. Errors: those of cache_folder.
Result<campaign::PreparationOptions> process_options(std::string_view verb);

// The facts of the preparation, whose folders are set to those of this machine. Errors: as of
// campaign::run_preparation.
Result<Json> prepare(wire::Preparation wanted, campaign::PreparationOptions options, bool is_quiet);

}  // namespace qb::cli
