#include "worker/timed_loop.h"

#include <algorithm>

#include "stats/steady.h"

namespace qb::worker {

LoopEnd settle(const wire::Limits& limits, std::span<const int64_t> ends_ns,
               std::span<const double> series) {
  LoopEnd end = {.count = ends_ns.size()};
  while (end.first + 1 < end.count &&
         (end.first < static_cast<size_t>(limits.warmup_count_min) ||
          (end.first > 0 ? ends_ns[end.first - 1] : 0) < limits.warmup_duration_ns_min))
    ++end.first;
  const auto steadiness = stats::find_steady(series);
  if (!steadiness) return end;
  end.is_settled = steadiness->is_steady;
  if (!steadiness->is_steady) return end;
  const size_t values_each = std::max<size_t>(1, series.size() / end.count);
  const size_t steady_first = (steadiness->first + values_each - 1) / values_each;
  end.first = std::min(std::max(end.first, steady_first), end.count - 1);
  return end;
}

}  // namespace qb::worker
