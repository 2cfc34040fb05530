#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/result.h"
#include "measurement/probes/host.h"
#include "measurement/probes/limits.h"

namespace qb::probes {
namespace fs = std::filesystem;
namespace {

// Threads of all processes of this user, which is what RLIMIT_NPROC counts.
int64_t thread_count_of_user() {
  int64_t count = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    std::ifstream status(entry.path() / "status");
    int64_t user = -1;
    int64_t threads = 0;
    for (std::string key; status >> key;) {
      if (key == "Uid:") status >> user;
      if (key == "Threads:") status >> threads;
    }
    if (user == static_cast<int64_t>(::getuid())) count += threads;
  }
  return count;
}

std::string set_limit(__rlimit_resource resource, int64_t value, const char* what) {
  rlimit limit = {};
  ::getrlimit(resource, &limit);
  limit.rlim_cur = limit.rlim_max = std::min(static_cast<rlim_t>(value), limit.rlim_max);
  if (::setrlimit(resource, &limit) == 0) return {};
  return fmt::format("the limit of {} can't be set: {}", what, std::strerror(errno));
}

// What RLIMIT_DATA counts of this process.
int64_t data_bytes() {
  int64_t pages[6] = {};  // size, resident, shared, text, 0, data and stack
  std::ifstream statm("/proc/self/statm");
  for (int64_t& count : pages) statm >> count;
  return pages[5] * ::sysconf(_SC_PAGESIZE);
}

// Sanitizers map terabytes that they never touch: beside these a limit would say nothing of memory,
// and every allocation would fail.
std::string limit_memory(int64_t bytes_max) {
  const int64_t memory_bytes = physical_memory_bytes();
  if (memory_bytes > 0 && data_bytes() > memory_bytes)
    return "the limit of memory can't be kept: this process reserves more than the machine has, as "
           "programs instrumented by a sanitizer do";
  return set_limit(RLIMIT_DATA, bytes_max, "memory");
}

}  // namespace

std::string limit_this_process(const ProcessLimits& limits) {
  std::string problem;
  if (limits.memory_bytes_max > 0) problem = limit_memory(limits.memory_bytes_max);
  if (limits.process_count_max <= 0 || !problem.empty()) return problem;
  problem = set_limit(RLIMIT_NPROC, thread_count_of_user() + limits.process_count_max, "processes");
  if (problem.empty() && ::geteuid() == 0)
    problem = "the limit of processes doesn't hold: root has none";
  return problem;
}

}  // namespace qb::probes
