#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>

#include "measurement/probes/allowance.h"
#include "measurement/probes/control_group.h"
#include "measurement/probes/host.h"
#include "measurement/probes/kernel_file.h"

namespace qb::probes {
namespace fs = std::filesystem;
namespace {

// The number behind a word, of a file with "word number" lines.
std::optional<int64_t> read_count(const fs::path& path, const std::string& wanted) {
  std::ifstream file(path);
  std::string word;
  for (int64_t value = 0; file >> word >> value;)
    if (word == wanted) return value;
  return std::nullopt;
}

// v2's cpu.max: "QUOTA PERIOD" or "max PERIOD"; v1 has a file for each, quota -1 for none.
std::optional<double> cpu_count_of(const fs::path& group, bool is_v2) {
  std::optional<int64_t> quota_us;
  std::optional<int64_t> period_us;
  if (is_v2) {
    std::ifstream file(group / "cpu.max");
    int64_t numbers[2] = {};
    if (file >> numbers[0] >> numbers[1]) {
      quota_us = numbers[0];
      period_us = numbers[1];
    }
  } else {
    quota_us = read_number<int64_t>(group / "cpu.cfs_quota_us");
    period_us = read_number<int64_t>(group / "cpu.cfs_period_us");
  }
  if (!quota_us || !period_us || *quota_us <= 0 || *period_us <= 0) return std::nullopt;
  return static_cast<double>(*quota_us) / static_cast<double>(*period_us);
}

// v1 writes about 2^63 where there is no limit.
std::optional<int64_t> memory_bytes_of(const fs::path& group, bool is_v2) {
  const auto bytes = read_number<int64_t>(group / (is_v2 ? "memory.max" : "memory.limit_in_bytes"));
  constexpr int64_t unlimited_bytes = int64_t{1} << 60;
  if (!bytes || *bytes >= unlimited_bytes) return std::nullopt;
  return bytes;
}

template <typename T>
std::optional<T> least(std::optional<T> a, std::optional<T> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

}  // namespace

std::set<int> allowed_cpus() {
  // The kernel refuses a set that is smaller than its own.
  for (int cpu_count = 1024; cpu_count <= 1 << 20; cpu_count *= 2) {
    cpu_set_t* set = CPU_ALLOC(cpu_count);
    const size_t size_bytes = CPU_ALLOC_SIZE(cpu_count);
    const bool is_told = ::sched_getaffinity(0, size_bytes, set) == 0;
    std::set<int> cpus;
    for (int cpu = 0; is_told && cpu < cpu_count; ++cpu)
      if (CPU_ISSET_S(static_cast<size_t>(cpu), size_bytes, set)) cpus.insert(cpu);
    CPU_FREE(set);
    if (is_told) return cpus;
  }
  return {};
}

GroupLimits group_limits() { return group_limits("/"); }

GroupLimits group_limits(const fs::path& root) {
  GroupLimits limits;
  const GroupFolders cpu = group_folders(root, "cpu");
  for (const fs::path& group : cpu.folders)
    limits.cpu_count = least(limits.cpu_count, cpu_count_of(group, cpu.is_v2));
  const GroupFolders memory = group_folders(root, "memory");
  for (const fs::path& group : memory.folders)
    limits.memory_bytes = least(limits.memory_bytes, memory_bytes_of(group, memory.is_v2));
  return limits;
}

int64_t usable_core_count(const fs::path& root, const std::set<int>& cpus) {
  int64_t count = core_count_of(root / "proc/cpuinfo", cpus);
  if (count == 0) count = static_cast<int64_t>(cpus.size());
  if (const auto quota = group_limits(root).cpu_count)
    count = std::min(count, static_cast<int64_t>(std::floor(*quota)));
  return std::max<int64_t>(1, count);
}

int64_t usable_core_count() { return usable_core_count("/", allowed_cpus()); }

int64_t default_thread_count(const fs::path& root, const std::set<int>& cpus) {
  std::set<int> fast = performance_cpus(root);
  if (!cpus.empty()) std::erase_if(fast, [&](int cpu) { return !cpus.contains(cpu); });
  return usable_core_count(root, fast.empty() ? cpus : fast);
}

int64_t default_thread_count() { return default_thread_count("/", allowed_cpus()); }

int64_t usable_memory_bytes() {
  const int64_t physical_bytes = physical_memory_bytes();
  const auto group_bytes = group_limits().memory_bytes;
  if (!group_bytes) return physical_bytes;
  return physical_bytes > 0 ? std::min(physical_bytes, *group_bytes) : *group_bytes;
}

OomKills oom_kills() { return oom_kills("/"); }

OomKills oom_kills(const fs::path& root) {
  const GroupFolders memory = group_folders(root, "memory");
  if (!memory.folders.empty()) {
    const char* file = memory.is_v2 ? "memory.events" : "memory.oom_control";
    if (const auto count = read_count(memory.folders.front() / file, "oom_kill"))
      return {*count, true};
  }
  return {read_count(root / "proc/vmstat", "oom_kill").value_or(-1), false};
}

Json describe_allowance() {
  Json json = Json::object(
      {{"usable_cores", usable_core_count()}, {"default_threads", default_thread_count()}});
  if (const int64_t bytes = usable_memory_bytes(); bytes > 0)
    json.set("usable_memory_bytes", bytes);
  if (const auto quota = group_limits().cpu_count) json.set("cpu_quota", *quota);
  return json;
}

}  // namespace qb::probes
