// What a user's lists of threads, batches and the like may hold.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "orchestration/plan/plan.h"
#include "orchestration/spec/suite.h"

namespace qb::cli {

// Each item of a list once, in the order given.
plan::Narrowing without_repeats(plan::Narrowing narrowing);

// Thread counts of the command line and of the suite must be those that the machine has: 1 to
// `processor_count`.
Result<void> check_threads(const plan::Narrowing& narrowing, const spec::Suite& suite,
                           int64_t processor_count);

}  // namespace qb::cli
