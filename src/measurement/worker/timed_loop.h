// The timed loop: clock, step, clock, store. What else happens between two steps (staging, the
// choice of tokens, hashes, a look at the series) is outside of the samples and of what StepMeter
// counts.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "measurement/wire/request.h"

namespace qb::worker {

// Times one call and appends its duration. `samples` has room, so nothing is allocated.
template <typename Step>
Result<void> timed(Step&& step, std::vector<int64_t>& samples) {
  const int64_t start = now_ns();
  Result<void> done = step();
  samples.push_back(now_ns() - start);
  return done;
}

// Values of the iterations 0, stride, 2 * stride, …: `values_each` of each.
struct Series {
  std::vector<double> values;
  size_t values_each = 1;
  size_t stride = 1;
};

// A look at a series takes memory of its own, which must not grow with the number of samples: it
// sees about so many values.
inline constexpr size_t looked_at_count_max = 4000;
inline size_t look_stride(size_t iteration_count, size_t values_each) {
  const size_t looked_at = std::max<size_t>(8, looked_at_count_max / values_each);
  return (iteration_count + looked_at - 1) / looked_at;
}
// Of samples with one value an iteration.
Series look_at(std::span<const int64_t> samples);

struct LoopEnd;
// Where warm-up ends, given the end of each iteration and the series.
LoopEnd settle(const wire::Limits& limits, std::span<const int64_t> ends_ns, const Series& series);

// What a loop did: iterations before `first` are warm-up.
struct LoopEnd {
  size_t first = 0;
  size_t count = 0;
  std::optional<bool> is_settled;  // empty: too few samples to tell
};

// Calls step(iteration) until what comes after the warm-up is steady and long enough, by count and
// by duration, or until limits.duration_ns_max has passed or `ends_ns`, which gets the end of each
// iteration, is full; without that limit it does not wait for steadiness. Warm-up lasts as long as
// the limits ask, and until the series that `series` gives has settled, see stats/steady.h. The
// loop's own bookkeeping: one clock reading an iteration, and a look at the series each time it
// has grown by a quarter.
template <typename Step, typename Look>
Result<LoopEnd> repeat_until_steady(const wire::Limits& limits, size_t count_max,
                                    std::vector<int64_t>& ends_ns, Step&& step, Look&& series) {
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
