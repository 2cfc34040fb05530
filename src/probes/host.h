// The machine, for a run's manifest. What the host doesn't tell is absent.
#pragma once

#include <cstdint>

#include "base/json.h"

namespace qb::probes {

// cpu, physical_cores, logical_cores, memory_bytes, os, kernel, governor, hypervisor, …
Json describe_host();

int64_t physical_core_count();

int64_t physical_memory_bytes();  // 0: not told

// Of the largest cache that a core reaches; -1: not told.
int64_t last_level_cache_bytes();

// Processes that the kernel killed for lack of memory since boot; -1: not told.
int64_t oom_kill_count();

}  // namespace qb::probes
