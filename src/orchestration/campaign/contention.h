// Whether something else used the machine while a launch was timed.
#pragma once

#include <string>

#include "measurement/record/record.h"

namespace qb::campaign {

// What disturbed the launch, in the user's words; empty: nothing did, or it can't be told (timed
// for less than a second, since the system's counters tick every 10 ms, or no counters). Disturbed:
// on the processors that the worker may run on, others ran for more than 10 % of the time of the
// `thread_count` processors that it uses, or a hypervisor took more than 5 % of it; or a core was
// throttled for its heat.
std::string contention_of(const Launch& launch, int64_t thread_count);

}  // namespace qb::campaign
