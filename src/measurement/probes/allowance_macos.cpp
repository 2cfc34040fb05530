// macOS has neither affinity nor control groups. Checked by compiling for macOS; never run on
// Linux.
#include "measurement/probes/allowance.h"
#include "measurement/probes/host.h"

namespace qb::probes {

std::set<int> allowed_cpus() { return {}; }
GroupLimits group_limits() { return {}; }
GroupLimits group_limits(const std::filesystem::path&) { return {}; }
int64_t usable_core_count(const std::filesystem::path&, const std::set<int>&) {
  return usable_core_count();
}
int64_t usable_core_count() { return physical_core_count(); }
int64_t default_thread_count(const std::filesystem::path&, const std::set<int>&) {
  return default_thread_count();
}
int64_t usable_memory_bytes() { return physical_memory_bytes(); }
OomKills oom_kills() { return {}; }
OomKills oom_kills(const std::filesystem::path&) { return {}; }

Json describe_allowance() {
  Json json = Json::object(
      {{"usable_cores", usable_core_count()}, {"default_threads", default_thread_count()}});
  if (const int64_t bytes = usable_memory_bytes(); bytes > 0)
    json.set("usable_memory_bytes", bytes);
  return json;
}

}  // namespace qb::probes
