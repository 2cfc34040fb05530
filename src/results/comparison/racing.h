// Which cases need no more launches for recommend() to be answered.
#pragma once

#include <string>
#include <vector>

#include "results/comparison/recommend.h"

namespace qb::comparison {

// Why the record needs no launch of its speed with that index, given all records so far: it
// violates a constraint, or the race (stats/race.h) between those that don't is over for it. Empty:
// it does need one. `preferred` null: the task's speed. Measurements must hold launch values.
std::string why_enough(const std::vector<Record>& records, const Record& record, int64_t index,
                       const std::vector<Constraint>& constraints,
                       const metrics::Metric* preferred);

}  // namespace qb::comparison
