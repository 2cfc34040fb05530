#include "stats/discovery.h"

#include <algorithm>
#include <numeric>

namespace qb::stats {

std::vector<double> adjusted_for_discovery(std::span<const double> p_values) {
  std::vector<size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, {}, [&](size_t i) { return p_values[i]; });
  std::vector<double> adjusted(p_values.size());
  double least = 1.0;
  for (size_t rank = order.size(); rank > 0; --rank) {
    const double p = p_values[order[rank - 1]];
    least = std::min(least, p * static_cast<double>(order.size()) / static_cast<double>(rank));
    adjusted[order[rank - 1]] = least;
  }
  return adjusted;
}

double simes(std::span<const double> p_values) {
  return std::ranges::min(adjusted_for_discovery(p_values));
}

}  // namespace qb::stats
