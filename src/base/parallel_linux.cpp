#include <sched.h>

#include "base/parallel.h"

namespace qb {

// hardware_concurrency() tells the machine's, whatever taskset or a container's cpuset leaves.
int64_t available_threads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return std::max<int64_t>(1, std::thread::hardware_concurrency());
}

}  // namespace qb
