// Whether the answers of a case's launches are what they should be.
#pragma once

#include "measurement/record/record.h"

namespace qb::campaign {

// Writes manifest "audit": whether every launch gave the same answer to the same input, at its
// start, in every timed run and at its end; whether the launch that measured quality answers alike
// (absent for batches, which quality is not measured with); and whether the same input again and
// again took as long as inputs never seen before (an earlier answer may have been kept when it took
// less than 0.9 of that and, in most launches, was faster every single time).
void audit(Record& record);

}  // namespace qb::campaign
