// `qbench run --model PATH`: what of its options is about the user's own models and model files.
#pragma once

#include "base/result.h"
#include "cli/commands.h"
#include "orchestration/plan/plan.h"

namespace qb::cli {

// The user's own are taken out of the narrowing's models, with absolute paths; --input is checked.
Result<RunOptions> with_own(RunOptions options);

// Of the files, or else of the suite.
Result<plan::Plan> plan_of(const RunOptions& options, const spec::Suite& suite, uint64_t seed);

// What a run that is resumed is of must be what it began with.
Result<void> check_unchanged(const plan::Plan& plan, const plan::Narrowing& narrowing,
                             const std::vector<Record>& earlier);

}  // namespace qb::cli
