// The frameworks against each other: the same bits, the same workload, the same run.
#pragma once

#include <vector>

#include "results/analysis/table.h"

namespace qb::analysis {

// Of one model's records: a row for each scheme and framework where at least two frameworks ran the
// same bits; the first framework of each scheme is what the others' speed ratios (with the 95 %
// interval of paired launches, where there are five) and answers are compared with. No rows when
// no bits ran in two frameworks.
Table compare_frameworks(const std::vector<const Record*>& records_of_model);

}  // namespace qb::analysis
