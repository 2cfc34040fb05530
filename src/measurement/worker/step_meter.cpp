#include "measurement/worker/step_meter.h"

#include <algorithm>
#include <cmath>

namespace qb::worker {

void StepCounter::open() {
  is_open_ = true;
  timed_ns_ = 0;
  start_ = read_();
  start_ns_ = now_ns();
}

void StepCounter::close() {
  if (!is_open_) return;
  is_open_ = false;
  const int64_t stretch_ns = now_ns() - start_ns_;
  const std::optional<int64_t> end = read_();
  is_lost_ = is_lost_ || !start_ || !end;
  if (is_lost_) return;
  const double timed_share =
      stretch_ns > 0
          ? std::min(1.0, static_cast<double>(timed_ns_) / static_cast<double>(stretch_ns))
          : 1.0;
  total_ = total_.value_or(0.0) + static_cast<double>(*end - *start_) * timed_share;
}

std::optional<int64_t> StepCounter::total() const {
  if (is_lost_ || !total_) return std::nullopt;
  return std::llround(*total_);
}

}  // namespace qb::worker
