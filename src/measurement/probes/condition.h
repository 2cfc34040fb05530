// What state the machine is in: load, clock, heat, power. Read before and after a launch is timed.
#pragma once

#include <filesystem>

#include "base/json.h"

namespace qb::probes {

// Of these what the host tells: load_average_1m, cpu_frequency_hz (mean of the cores),
// temperature_c (of the hottest zone), throttle_count (since boot), power_source ("mains" or
// "battery"), battery_percent; of macOS thermal_pressure (of its kernel), thermal_state (what it
// tells programs) and low_power_mode.
Json describe_condition();
// A folder in place of /, for tests.
Json describe_condition(const std::filesystem::path& root);

}  // namespace qb::probes
