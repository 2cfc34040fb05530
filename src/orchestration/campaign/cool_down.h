// A pause before a launch, for a machine that the launch before has warmed.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/json.h"

namespace qb::campaign {

// Sleeps for `pause_ns`, and longer, at most nine times that, while macOS tells of thermal
// pressure. Ends at once when interrupted. Gives for the launch's facts how long it was and, where
// the system tells, the pressure at its end; null for no pause.
Json cool_down(int64_t pause_ns, const std::atomic<bool>* is_interrupted);

// The same with the pressure that `thermal_pressure` gives ("" where it isn't told), for tests.
Json cool_down(int64_t pause_ns, const std::atomic<bool>* is_interrupted,
               std::string (*thermal_pressure)());

}  // namespace qb::campaign
