// Limits that a process sets on itself and can't lift again.
#pragma once

#include <cstdint>
#include <string>

namespace qb::probes {

struct ProcessLimits {
  int64_t memory_bytes_max = 0;   // of memory that is its own, mapped files apart; 0: no limit
  int64_t process_count_max = 0;  // processes and threads that may come to the user's; 0: no limit
};

// Gives why a limit does not hold on this system, or nothing. Linux: RLIMIT_DATA, so a framework
// that only reserves addresses is not stopped, and RLIMIT_NPROC, which counts all processes and
// threads of the user and does not hold for root.
std::string limit_this_process(const ProcessLimits& limits);

}  // namespace qb::probes
