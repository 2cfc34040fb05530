// What of the machine this process may use: by its affinity and by its control groups. Elsewhere
// than on Linux: all of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>

#include "base/json.h"

namespace qb::probes {

// The processors that the scheduler may run this process on; empty: not told.
std::set<int> allowed_cpus();

// The least that any of this process's control groups, up to the root, leaves it (v1 and v2).
struct GroupLimits {
  std::optional<double> cpu_count;      // quota over period; empty: none
  std::optional<int64_t> memory_bytes;  // empty: none
};
GroupLimits group_limits();
// A folder in place of /, for tests.
GroupLimits group_limits(const std::filesystem::path& root);

// Physical cores among `cpus` (all, when empty), and no more whole ones than the quota; at least 1.
// `root` stands in place of /, for tests.
int64_t usable_core_count(const std::filesystem::path& root, const std::set<int>& cpus);
int64_t usable_core_count();

// Threads where nobody says how many: usable cores without efficiency cores, which would hold up
// the others at the end of each product. All where the system tells of no kinds of cores, and where
// the process may use efficiency cores only.
int64_t default_thread_count(const std::filesystem::path& root, const std::set<int>& cpus);
int64_t default_thread_count();

// The machine's memory, or less where a control group has less; 0: not told.
int64_t usable_memory_bytes();

// Processes that the kernel killed for lack of memory. Of this process's control group and those
// below it where that counts them, so of its children but not of other containers; else of the
// whole host since boot.
struct OomKills {
  int64_t count = -1;  // -1: not told
  bool is_of_group = false;
};
OomKills oom_kills();
OomKills oom_kills(const std::filesystem::path& root);

// usable_cores, default_threads, usable_memory_bytes and, where there is one, cpu_quota (in
// processors).
Json describe_allowance();

}  // namespace qb::probes
