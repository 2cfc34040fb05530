#include "measurement/worker/timed_loop.h"

#include "stats/steady.h"

namespace qb::worker {

Series look_at(std::span<const int64_t> samples) {
  Series series = {.stride = look_stride(samples.size(), 1)};
  for (size_t i = 0; i < samples.size(); i += series.stride)
    series.values.push_back(static_cast<double>(samples[i]));
  return series;
}

LoopEnd settle(const wire::Limits& limits, std::span<const int64_t> ends_ns, const Series& series) {
  LoopEnd end = {.count = ends_ns.size()};
  while (end.first + 1 < end.count &&
         (end.first < static_cast<size_t>(limits.warmup_count_min) ||
          (end.first > 0 ? ends_ns[end.first - 1] : 0) < limits.warmup_duration_ns_min))
    ++end.first;
  const auto steadiness = stats::find_steady(series.values);
  if (!steadiness) return end;
  end.is_settled = steadiness->is_steady;
  if (!steadiness->is_steady) return end;
  const size_t looked_at_first = (steadiness->first + series.values_each - 1) / series.values_each;
  end.first = std::min(std::max(end.first, looked_at_first * series.stride), end.count - 1);
  return end;
}

}  // namespace qb::worker
