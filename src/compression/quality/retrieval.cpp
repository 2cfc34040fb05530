#include "compression/quality/retrieval.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

#include "stats/ranks.h"
#include "stats/stats.h"

namespace qb::quality {
namespace {

// The rows at length 1.
std::vector<double> normalized(std::span<const float> rows, size_t width) {
  std::vector<double> out(rows.begin(), rows.end());
  for (size_t first = 0; first < out.size(); first += width) {
    const auto row = std::span(out).subspan(first, width);
    const double length = std::sqrt(std::inner_product(row.begin(), row.end(), row.begin(), 0.0));
    for (double& value : row) value /= length > 0.0 ? length : 1.0;
  }
  return out;
}

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

// The cosines of an item's vector with those of all others.
std::vector<double> nearness_of(size_t item, std::span<const double> rows, size_t width) {
  std::vector<double> nearness;
  for (size_t other = 0; other < rows.size() / width; ++other)
    if (other != item)
      nearness.push_back(
          dot(rows.subspan(item * width, width), rows.subspan(other * width, width)));
  return nearness;
}

std::optional<size_t> nearest(const std::vector<double>& nearness) {
  const auto first = std::ranges::max_element(nearness);
  if (std::ranges::count(nearness, *first) > 1) return std::nullopt;
  return static_cast<size_t>(first - nearness.begin());
}

// In ascending order of their numbers.
std::vector<size_t> ten_nearest(const std::vector<double>& nearness) {
  std::vector<size_t> order(nearness.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return std::pair(-nearness[i], i); });
  order.resize(neighbour_count);
  std::ranges::sort(order);
  return order;
}

double shared_share(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<size_t> shared;
  std::ranges::set_intersection(ten_nearest(a), ten_nearest(b), std::back_inserter(shared));
  return static_cast<double>(shared.size()) / static_cast<double>(neighbour_count);
}

}  // namespace

Retrieval compare_retrieval(std::span<const float> reference, std::span<const float> vectors,
                            size_t width) {
  const size_t count = vectors.size() / width;
  assert(reference.size() == vectors.size() && count >= 3);
  const std::vector<double> theirs = normalized(reference, width);
  const std::vector<double> ours = normalized(vectors, width);
  Retrieval found;
  std::vector<double> overlaps;
  std::vector<double> correlations;
  for (size_t i = 0; i < count; ++i) {
    const std::vector<double> wanted = nearness_of(i, theirs, width);
    const std::vector<double> answered = nearness_of(i, ours, width);
    found.cosines.push_back(dot(std::span(theirs).subspan(i * width, width),
                                std::span(ours).subspan(i * width, width)));
    const auto own = nearest(answered);
    found.top1_agreements.push_back(own && own == nearest(wanted) ? 1.0 : 0.0);
    correlations.push_back(stats::rank_correlation(wanted, answered));
    if (count > 2 * neighbour_count) overlaps.push_back(shared_share(wanted, answered));
  }
  if (!overlaps.empty()) found.top10_overlap = stats::mean(overlaps);
  found.rank_correlation = stats::mean(correlations);
  return found;
}

}  // namespace qb::quality
