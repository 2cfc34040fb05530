// getrusage, which Linux and macOS share.
#include <sys/resource.h>

#include "measurement/probes/process.h"

namespace qb::probes {

ProcessUsage process_usage() {
  rusage usage = {};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return {};
  const auto ns = [](const timeval& t) {
    return static_cast<int64_t>(t.tv_sec) * 1'000'000'000 + static_cast<int64_t>(t.tv_usec) * 1000;
  };
  return {.cpu_time_ns = ns(usage.ru_utime) + ns(usage.ru_stime),
          .voluntary_context_switches = usage.ru_nvcsw,
          .involuntary_context_switches = usage.ru_nivcsw,
          .minor_page_faults = usage.ru_minflt,
          .major_page_faults = usage.ru_majflt};
}

}  // namespace qb::probes
