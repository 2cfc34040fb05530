#include "measurement/engines/coreml/shares.h"

#include <algorithm>
#include <map>

namespace qb::coreml {

std::vector<UnitShare> shares_of(std::span<const PlannedOperation> plan) {
  std::map<std::string, double> costs;
  double all = 0.0;
  for (const PlannedOperation& operation : plan) {
    if (operation.cost <= 0.0) continue;
    costs[operation.unit.empty() ? "unknown" : operation.unit] += operation.cost;
    all += operation.cost;
  }
  std::vector<UnitShare> shares;
  for (const auto& [unit, cost] : costs) shares.push_back({unit, cost / all});
  std::ranges::sort(shares, std::greater(), &UnitShare::cost);
  return shares;
}

}  // namespace qb::coreml
