#include "orchestration/campaign/pause.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/clock.h"

namespace qb::campaign {

void sleep_until(int64_t moment_ns, const std::atomic<bool>* is_interrupted) {
  constexpr int64_t look_ns = 100'000'000;
  for (int64_t left_ns = moment_ns - now_ns(); left_ns > 0 && !(is_interrupted && *is_interrupted);
       left_ns = moment_ns - now_ns())
    std::this_thread::sleep_for(std::chrono::nanoseconds(std::min(left_ns, look_ns)));
}

}  // namespace qb::campaign
