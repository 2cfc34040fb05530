// Whether something else used the machine while a launch was timed.
#pragma once

#include <string>

#include "record/record.h"

namespace qb::campaign {

// What disturbed the launch, in the user's words; empty: nothing did, or it can't be told (timed
// for less than 0.2 s, or no counters). Disturbed: others ran for more than 10 % of one core's
// time, a hypervisor took more than 5 % of it, or a core was throttled for its heat.
std::string contention_of(const Launch& launch);

}  // namespace qb::campaign
