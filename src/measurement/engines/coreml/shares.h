// Where a model's work is planned to run, by unit.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "measurement/engines/coreml/runtime.h"

namespace qb::coreml {

struct UnitShare {
  std::string unit;   // "ane"; "unknown" of operations whose unit Core ML doesn't tell
  double cost = 0.0;  // of all, 0 to 1
};

// The largest first. Operations are weighted by Core ML's estimate of their cost: how many there
// are says nothing. Empty: nothing has a cost.
std::vector<UnitShare> shares_of(std::span<const PlannedOperation> plan);

}  // namespace qb::coreml
