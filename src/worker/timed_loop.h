// The timed loop: clock, step, clock, store. Nothing else happens between two steps.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "wire/request.h"

namespace qb::worker {

// Times one call and appends its duration. `samples` has room, so nothing is allocated.
template <typename Step>
Result<void> timed(Step&& step, std::vector<int64_t>& samples) {
  const int64_t start = now_ns();
  Result<void> done = step();
  samples.push_back(now_ns() - start);
  return done;
}

struct LoopEnd;
// Where warm-up ends, given the end of each iteration and the series (a multiple of their count).
LoopEnd settle(const wire::Limits& limits, std::span<const int64_t> ends_ns,
               std::span<const double> series);

// What a loop did: iterations before `first` are warm-up.
struct LoopEnd {
  size_t first = 0;
  size_t count = 0;
  std::optional<bool> is_settled;  // empty: too few samples to tell
};

// Calls step(iteration) until what comes after the warm-up is steady and long enough, by count and
// by duration, or until limits.duration_ns_max has passed; without that limit it does not wait for
// steadiness. Warm-up lasts as long as the limits ask, and until the series that `series` gives
// (one value or more an iteration, equally many each) has settled, see stats/steady.h. The loop's
// own bookkeeping is outside what `timed` measures: one clock reading an iteration, and a look at
// the series each time it has grown by a quarter.
template <typename Step, typename Series>
Result<LoopEnd> repeat_until_steady(const wire::Limits& limits, size_t count_max, Step&& step,
                                    Series&& series) {
  std::vector<int64_t> ends_ns;
  ends_ns.reserve(count_max);
  const auto warmup_count = static_cast<size_t>(limits.warmup_count_min);
  const auto measured_count = static_cast<size_t>(limits.iteration_count_min);
  const int64_t start = now_ns();
  for (size_t next_look = 0; ends_ns.size() < count_max;) {
    QB_CHECK(step(static_cast<int64_t>(ends_ns.size())));
    ends_ns.push_back(now_ns() - start);
    const size_t count = ends_ns.size();
    const bool is_late = limits.duration_ns_max > 0 && ends_ns.back() >= limits.duration_ns_max &&
                         count > warmup_count;
    const bool is_enough = count >= warmup_count + measured_count &&
                           ends_ns.back() >= limits.warmup_duration_ns_min + limits.duration_ns_min;
    const bool is_last = is_late || count == count_max;
    if (!is_last && (!is_enough || count < next_look)) continue;
    next_look = count + count / 4 + 1;
    const LoopEnd end = settle(limits, ends_ns, series());
    const int64_t warmup_ns = end.first > 0 ? ends_ns[end.first - 1] : 0;
    const bool may_stop = end.is_settled.value_or(true) || limits.duration_ns_max == 0;
    if (is_last || (may_stop && count - end.first >= measured_count &&
                    ends_ns.back() - warmup_ns >= limits.duration_ns_min))
      return end;
  }
  return LoopEnd{};
}

}  // namespace qb::worker
