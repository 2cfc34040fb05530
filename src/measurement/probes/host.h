// The machine, for a run's manifest. What the host doesn't tell is absent.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>

#include "base/json.h"

namespace qb::probes {

// Of the machine: cpu, physical_cores, logical_cores, performance_cores and efficiency_cores where
// there are both, memory_bytes, os, kernel, governor, is_virtual, …; of a Mac also what
// measurement/probes/apple_machine.h makes of its readings. Of what this process may use of it: see
// measurement/probes/allowance.h.
Json describe_host();

int64_t physical_core_count();
// Physical cores among those processors (all, when empty) of a file like /proc/cpuinfo; a processor
// whose core isn't told is one of its own. 0: the file tells none. (Linux)
int64_t core_count_of(const std::filesystem::path& cpuinfo, const std::set<int>& cpus);

// Processors that a hybrid processor of Intel's calls performance, or efficiency, cores; empty on
// others. `root` stands in place of /. (Linux)
std::set<int> performance_cpus(const std::filesystem::path& root);
std::set<int> efficiency_cpus(const std::filesystem::path& root);

int64_t physical_memory_bytes();  // 0: not told

// Of the largest cache that a core reaches; -1: not told.
int64_t last_level_cache_bytes();

}  // namespace qb::probes
