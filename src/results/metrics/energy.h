// Energy over what was done with it: what the rows of metrics.cpp name.
#pragma once

#include "results/metrics/metrics.h"

namespace qb::metrics {

// Joules of the processor's packages for each of the launch's items, which the fact metric.source
// counts ("measured_tokens", "measured_pictures", …). One value a launch. Absent where the machine
// tells no energy, with its reason.
Measurement joules_per_item(const Record& record, const Metric& metric);
// The same of the memory, which the packages don't contain.
Measurement dram_joules_per_item(const Record& record, const Metric& metric);

}  // namespace qb::metrics
