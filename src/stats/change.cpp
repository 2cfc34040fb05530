#include "stats/change.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <vector>

#include "stats/stats.h"

namespace qb::stats {
namespace {

double squared_deviation(std::span<const double> values) {
  const double deviation = *standard_deviation(values);
  return deviation * deviation;
}

Estimate mean_of(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  return {mean(values), {squared_deviation(values), n - 1.0}, n};
}

Estimate trimmed_mean_of(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  const size_t cut = sorted.size() / 5;
  const std::span<const double> kept = std::span(sorted).subspan(cut, sorted.size() - 2 * cut);
  const double centre = mean(kept);
  const auto n = static_cast<double>(sorted.size());
  const auto left = static_cast<double>(kept.size());
  const double low = kept.front();
  const double high = kept.back();
  for (double& value : sorted) value = std::clamp(value, low, high);
  return {centre, {squared_deviation(sorted) * (n - 1.0) / (left - 1.0), left - 1.0}, left};
}

// Satterthwaite's degrees of freedom of the sum of the two errors.
Estimate difference_of(const Estimate& before, const Estimate& after) {
  const double b = before.variance.value / before.weight;
  const double a = after.variance.value / after.weight;
  const double weight = 1.0 / (1.0 / before.weight + 1.0 / after.weight);
  const double degrees =
      (a + b) * (a + b) /
      (a * a / after.variance.degrees_of_freedom + b * b / before.variance.degrees_of_freedom);
  return {after.value - before.value, {(a + b) * weight, a + b > 0.0 ? degrees : 1.0}, weight};
}

}  // namespace

Estimates paired_change(std::span<const double> before, std::span<const double> after) {
  assert(before.size() == after.size() && before.size() >= 2);
  std::vector<double> differences;
  for (size_t i = 0; i < before.size(); ++i) differences.push_back(after[i] - before[i]);
  return {mean_of(differences), trimmed_mean_of(differences)};
}

Estimates unpaired_change(std::span<const double> before, std::span<const double> after) {
  assert(before.size() >= 2 && after.size() >= 2);
  return {difference_of(mean_of(before), mean_of(after)),
          difference_of(trimmed_mean_of(before), trimmed_mean_of(after))};
}

}  // namespace qb::stats
