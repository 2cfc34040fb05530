// The one clock for durations: monotonic, integer nanoseconds. Wall time is for stamps only.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace qb {

inline int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Since 1970, of the wall clock.
inline int64_t epoch_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// "2026-11-23T21:40:16Z", the wall clock in UTC.
std::string utc_timestamp();

}  // namespace qb
