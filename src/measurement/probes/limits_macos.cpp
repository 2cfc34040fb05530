// Checked by compiling for macOS; never run on Linux.
#include <sys/resource.h>

#include "measurement/probes/limits.h"

namespace qb::probes {

// RLIMIT_NPROC counts all processes of the user, whose number no call tells cheaply; memory limits
// are accepted by macOS and not kept.
std::string limit_this_process(const ProcessLimits& limits) {
  if (limits.memory_bytes_max <= 0 && limits.process_count_max <= 0) return {};
  return "macOS keeps no limit of memory or processes for one process";
}

}  // namespace qb::probes
