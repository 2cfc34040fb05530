#include "network/hub/patience.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace qb::hub {

bool is_passing(const Reply& reply) {
  if (reply.is_lasting) return false;
  if (!reply.trouble.empty()) return true;
  return reply.status == 408 || reply.status == 429 || reply.status >= 500;
}

std::optional<int64_t> Patience::next_wait_ms(const Reply& reply, int64_t bytes_brought) {
  if (!is_passing(reply)) return {};
  if (bytes_brought >= 1'000'000) try_count_ = 0;
  if (++try_count_ >= try_count_max) return {};
  const int64_t own_ms = first_wait_ms << (try_count_ - 1);
  if (!reply.retry_after_s) return own_ms;
  if (*reply.retry_after_s > asked_wait_ms_max / 1000) return {};
  return std::max(own_ms, *reply.retry_after_s * 1000);
}

bool wait(int64_t duration_ms, const std::function<bool()>& goes_on) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::milliseconds(duration_ms);
  while (Clock::now() < end) {
    if (!goes_on()) return false;
    std::this_thread::sleep_for(
        std::min<Clock::duration>(end - Clock::now(), std::chrono::milliseconds(100)));
  }
  return goes_on();
}

}  // namespace qb::hub
