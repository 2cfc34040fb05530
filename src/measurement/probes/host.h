// The machine, for a run's manifest. What the host doesn't tell is absent.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>

#include "base/json.h"

namespace qb::probes {

// Of the machine: cpu, physical_cores, logical_cores, memory_bytes, os, kernel, governor,
// is_virtual, … Of what this process may use of it: see measurement/probes/allowance.h.
Json describe_host();

int64_t physical_core_count();
// Physical cores among those processors (all, when empty) of a file like /proc/cpuinfo; a processor
// whose core isn't told is one of its own. 0: the file tells none. (Linux)
int64_t core_count_of(const std::filesystem::path& cpuinfo, const std::set<int>& cpus);

int64_t physical_memory_bytes();  // 0: not told

// Of the largest cache that a core reaches; -1: not told.
int64_t last_level_cache_bytes();

}  // namespace qb::probes
