// `qbench run --model FILE`: what of its options is about the user's own model files.
#pragma once

#include "base/result.h"
#include "cli/commands.h"
#include "orchestration/plan/plan.h"

namespace qb::cli {

// The models that are files are taken out of the narrowing, with absolute paths; --input is
// checked.
Result<RunOptions> with_files(RunOptions options);

// Of the files, or else of the suite.
Result<plan::Plan> plan_of(const RunOptions& options, const spec::Suite& suite, uint64_t seed);

// A file of a run that is resumed must be the one that the run began with.
Result<void> check_unchanged(const plan::Plan& plan, const std::vector<Record>& earlier);

}  // namespace qb::cli
