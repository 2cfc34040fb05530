// What the system knows of this process. What a host can't tell is empty, never 0.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>

namespace qb::probes {

struct ProcessUsage {
  std::optional<int64_t> cpu_time_ns;  // user and system, all threads
  std::optional<int64_t> voluntary_context_switches;
  std::optional<int64_t> involuntary_context_switches;
  std::optional<int64_t> minor_page_faults;
  std::optional<int64_t> major_page_faults;
};
ProcessUsage process_usage();

// Resident memory now; on macOS the physical footprint, which is what its tools show.
std::optional<int64_t> resident_bytes();
// The most since the process began or reset_peak_resident() succeeded.
std::optional<int64_t> peak_resident_bytes();
// False where the system doesn't allow it.
bool reset_peak_resident();

// Resident memory by what is behind it: nothing but memory, or a file.
struct ResidentParts {
  std::optional<int64_t> private_bytes;
  std::optional<int64_t> mapped_bytes;
};
ResidentParts resident_parts();
// Resident bytes of this process's mappings of the files below `folder`.
std::optional<int64_t> resident_bytes_of_files(const std::filesystem::path& folder);

// Of the processors that this process may run on (see allowed_cpus) since boot: time stolen by a
// hypervisor, and time in which any process or the kernel ran. macOS: of all.
struct SystemUsage {
  std::optional<int64_t> steal_time_ns;
  std::optional<int64_t> busy_time_ns;
};
SystemUsage system_usage();
// Of a file like /proc/stat and those of its processors; all when `cpus` is empty. (Linux)
SystemUsage system_usage(const std::filesystem::path& stat, const std::set<int>& cpus);

// Asks the system to kill this process when its parent dies, where it can. The parent reads the
// pipe `events`; when nobody does any more it died before it could be asked, and this process ends.
void die_with_parent(int events);

}  // namespace qb::probes
