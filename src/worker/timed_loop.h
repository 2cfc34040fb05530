// The timed loop: clock, step, clock, store. Nothing else happens between two steps.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace qb::worker {

// Times one call and appends its duration. `samples` has room, so nothing is allocated.
template <typename Step>
Result<void> timed(Step&& step, std::vector<int64_t>& samples) {
  const int64_t start = now_ns();
  Result<void> done = step();
  samples.push_back(now_ns() - start);
  return done;
}

struct LoopLimits {
  int64_t count_min = 1;
  int64_t duration_ns_min = 0;
  int64_t duration_ns_max = 0;  // 0: none
  int64_t count_max = 1'000'000;
};

// Calls step(iteration) until both minima are reached, or a maximum. The loop's own bookkeeping is
// outside what `timed` measures and costs one clock reading an iteration.
template <typename Step>
Result<void> repeat(const LoopLimits& limits, Step&& step) {
  const int64_t start = now_ns();
  for (int64_t i = 0; i < limits.count_max; ++i) {
    QB_CHECK(step(i));
    const int64_t elapsed = now_ns() - start;
    if (i + 1 >= limits.count_min && elapsed >= limits.duration_ns_min) break;
    if (limits.duration_ns_max > 0 && elapsed >= limits.duration_ns_max) break;
  }
  return {};
}

}  // namespace qb::worker
