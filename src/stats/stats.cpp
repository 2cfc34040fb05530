#include "stats/stats.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <cassert>
#include <cmath>
#include <utility>
#include <vector>

namespace qb::stats {

double quantile(std::span<const double> values, double q) {
  assert(!values.empty() && q >= 0.0 && q <= 1.0);
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  const double position = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double weight = position - static_cast<double>(below);
  return sorted[below] + weight * (sorted[above] - sorted[below]);
}

double median(std::span<const double> values) { return quantile(values, 0.5); }

double mean(std::span<const double> values) {
  assert(!values.empty());
  double sum = 0.0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

std::optional<double> standard_deviation(std::span<const double> values) {
  if (values.size() < 2) return std::nullopt;
  const double centre = mean(values);
  double squares = 0.0;
  for (const double value : values) squares += (value - centre) * (value - centre);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

std::optional<Interval> median_interval(std::span<const double> values, double confidence) {
  if (values.empty()) return std::nullopt;
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  const boost::math::binomial binomial(static_cast<double>(sorted.size()), 0.5);
  const double tail = (1.0 - confidence) / 2.0;
  size_t k = 0;
  while (k < sorted.size() / 2 && boost::math::cdf(binomial, static_cast<double>(k)) <= tail) ++k;
  if (k == 0) return std::nullopt;
  return Interval{sorted[k - 1], sorted[sorted.size() - k]};
}

int64_t samples_needed(double q, double confidence) {
  assert(q > 0.0 && q < 1.0);
  const auto is_enough = [&](int64_t n) {
    const auto count = static_cast<double>(n);
    return std::pow(q, count) + count * (1.0 - q) * std::pow(q, count - 1.0) <= 1.0 - confidence;
  };
  int64_t low = 1;
  int64_t high = 2;
  while (!is_enough(high)) low = std::exchange(high, high * 2);
  while (high - low > 1) {
    const int64_t middle = low + (high - low) / 2;
    (is_enough(middle) ? high : low) = middle;
  }
  return high;
}

}  // namespace qb::stats
