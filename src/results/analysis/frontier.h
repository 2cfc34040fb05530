// The Pareto frontier: what nothing else beats on one axis without losing on the other.
#pragma once

#include <span>
#include <vector>

namespace qb::analysis {

struct Point {
  double x = 0.0;  // larger is better
  double y = 0.0;  // larger is better
};

// Indices of the points that no other point dominates (at least as good on both, better on one), by
// rising x.
std::vector<size_t> find_frontier(std::span<const Point> points);

}  // namespace qb::analysis
