// A sleep that an interruption ends.
#pragma once

#include <atomic>
#include <cstdint>

namespace qb::campaign {

// Until base/clock.h's now_ns() is `moment_ns`; ends within a tenth of a second of an interruption.
void sleep_until(int64_t moment_ns, const std::atomic<bool>* is_interrupted);

}  // namespace qb::campaign
