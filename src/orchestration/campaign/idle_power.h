// What the processor takes while nothing is measured.
#pragma once

#include <vector>

#include "measurement/record/record.h"

namespace qb::campaign {

// Measures for two seconds, asleep, and writes manifest "idle_power_w" of the records that are
// still to be measured. Nothing, and no time spent, where energy can't be read: each launch says
// why.
void note_idle_power(std::vector<Record>& records);

}  // namespace qb::campaign
