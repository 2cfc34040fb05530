#include "stats/intervals.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cassert>
#include <cmath>
#include <vector>

namespace qb::stats {
namespace {

std::vector<double> logs_of(std::span<const double> values) {
  std::vector<double> logs;
  logs.reserve(values.size());
  for (const double value : values) logs.push_back(std::log(value));
  return logs;
}

}  // namespace

double t_quantile(double degrees_of_freedom, double confidence) {
  const boost::math::students_t t(degrees_of_freedom);
  return boost::math::quantile(t, (1.0 + confidence) / 2.0);
}

std::optional<Interval> mean_interval(std::span<const double> values, double confidence) {
  if (values.size() < 3) return std::nullopt;
  const auto n = static_cast<double>(values.size());
  const double reach = t_quantile(n - 1.0, confidence) * *standard_deviation(values) / std::sqrt(n);
  if (reach == 0.0) return std::nullopt;
  const double centre = mean(values);
  return Interval{centre - reach, centre + reach};
}

double geometric_mean(std::span<const double> values) { return std::exp(mean(logs_of(values))); }

std::optional<Interval> geometric_mean_interval(std::span<const double> values, double confidence) {
  if (std::ranges::any_of(values, [](double value) { return !(value > 0.0); })) return std::nullopt;
  const auto interval = mean_interval(logs_of(values), confidence);
  if (!interval) return std::nullopt;
  return Interval{std::exp(interval->low), std::exp(interval->high)};
}

std::optional<Interval> launches_interval(std::span<const double> values, double confidence) {
  if (values.size() >= order_statistics_count_min) return median_interval(values, confidence);
  auto interval = geometric_mean_interval(values, confidence);
  if (!interval) return std::nullopt;
  // Only with 8 launches, half of them a million times slower, would the median lie outside.
  const double middle = median(values);
  return Interval{std::min(interval->low, middle), std::max(interval->high, middle)};
}

std::optional<double> relative_half_width(std::span<const double> launches) {
  const auto interval = launches_interval(launches);
  if (!interval || median(launches) == 0.0) return std::nullopt;
  return (interval->high - interval->low) / 2.0 / std::fabs(median(launches));
}

bool may_stop(std::span<const double> launches, double half_width) {
  if (launches.size() < stopping_count_min) return false;
  const auto is_narrow = [half_width](std::span<const double> values) {
    const auto width = relative_half_width(values);
    return width && *width <= half_width;
  };
  return is_narrow(launches) && is_narrow(launches.first(launches.size() - 1));
}

Interval wilson_interval(double share, double count, double confidence) {
  assert(share >= 0.0 && share <= 1.0 && count > 0.0);
  const double z = boost::math::quantile(boost::math::normal(), (1.0 + confidence) / 2.0);
  const double z2 = z * z / count;
  const double centre = (share + z2 / 2.0) / (1.0 + z2);
  const double reach =
      z / (1.0 + z2) * std::sqrt(share * (1.0 - share) / count + z2 / (4.0 * count));
  return {share == 0.0 ? 0.0 : std::max(0.0, centre - reach),
          share == 1.0 ? 1.0 : std::min(1.0, centre + reach)};
}

}  // namespace qb::stats
