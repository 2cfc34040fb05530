#include "results/analysis/frontier.h"

#include <algorithm>

namespace qb::analysis {

std::vector<size_t> find_frontier(std::span<const Point> points) {
  const auto dominates = [](const Point& a, const Point& b) {
    return a.x >= b.x && a.y >= b.y && (a.x > b.x || a.y > b.y);
  };
  std::vector<size_t> frontier;
  for (size_t i = 0; i < points.size(); ++i)
    if (std::ranges::none_of(points, [&](const Point& p) { return dominates(p, points[i]); }))
      frontier.push_back(i);
  std::ranges::sort(frontier, {}, [&](size_t i) { return points[i].x; });
  return frontier;
}

}  // namespace qb::analysis
