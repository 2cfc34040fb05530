#include "stats/bootstrap.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cassert>
#include <cmath>

#include "base/rng.h"

namespace qb::stats {
namespace {

// The statistic with each value left out in turn.
std::vector<double> jackknife(std::span<const double> values, const Statistic& statistic) {
  std::vector<double> left(values.begin() + 1, values.end());
  std::vector<double> results;
  for (size_t i = 0; i < values.size(); ++i) {
    results.push_back(statistic(left));
    if (i < left.size()) left[i] = values[i];
  }
  return results;
}

// Skewness of the jackknife's influence, sum d^3 / (6 (sum d^2)^1.5) with d = mean - value.
double acceleration(std::span<const double> jackknifed) {
  const double centre = mean(jackknifed);
  double squares = 0.0;
  double cubes = 0.0;
  for (const double value : jackknifed) {
    const double d = centre - value;
    squares += d * d;
    cubes += d * d * d;
  }
  return squares > 0.0 ? cubes / (6.0 * std::pow(squares, 1.5)) : 0.0;
}

}  // namespace

std::vector<double> bootstrap_distribution(std::span<const double> values,
                                           const Statistic& statistic,
                                           const BootstrapOptions& options) {
  assert(!values.empty());
  Rng rng(options.seed);
  const size_t n = values.size();
  const auto block = static_cast<size_t>(std::max<int64_t>(1, options.block_length));
  std::vector<double> sample(n);
  std::vector<double> distribution;
  distribution.reserve(static_cast<size_t>(options.resample_count));
  for (int64_t i = 0; i < options.resample_count; ++i) {
    for (size_t filled = 0; filled < n;) {
      const auto start = static_cast<size_t>(rng.below(n));
      for (size_t j = 0; j < block && filled < n; ++j) sample[filled++] = values[(start + j) % n];
    }
    distribution.push_back(statistic(sample));
  }
  return distribution;
}

std::optional<Interval> bca_interval(std::span<const double> values, const Statistic& statistic,
                                     std::span<const double> distribution, double confidence) {
  if (values.size() < 3 || distribution.empty()) return std::nullopt;
  const double estimate = statistic(values);
  double below = 0.0;  // resamples below the estimate, ties by half
  for (const double value : distribution)
    below += value < estimate ? 1.0 : value == estimate ? 0.5 : 0.0;
  const double share = below / static_cast<double>(distribution.size());
  if (share <= 0.0 || share >= 1.0) return std::nullopt;
  const auto [lowest, highest] = std::ranges::minmax(distribution);
  if (lowest == highest) return std::nullopt;
  const boost::math::normal normal;
  const double bias = boost::math::quantile(normal, share);
  const double a = acceleration(jackknife(values, statistic));
  const auto end = [&](double probability) {
    const double z = bias + boost::math::quantile(normal, probability);
    return quantile(distribution, boost::math::cdf(normal, bias + z / (1.0 - a * z)));
  };
  const double tail = (1.0 - confidence) / 2.0;
  return Interval{end(tail), end(1.0 - tail)};
}

std::optional<Interval> bca_interval(std::span<const double> values, const Statistic& statistic,
                                     const BootstrapOptions& options) {
  if (values.size() < 3) return std::nullopt;
  return bca_interval(values, statistic, bootstrap_distribution(values, statistic, options),
                      options.confidence);
}

std::optional<Interval> block_bootstrap_interval(std::span<const double> series,
                                                 const Statistic& statistic,
                                                 BootstrapOptions options) {
  if (series.size() < 8) return std::nullopt;
  const auto n = static_cast<double>(series.size());
  options.block_length = std::max(static_cast<int64_t>(std::ceil(std::cbrt(n))),
                                  static_cast<int64_t>(n / effective_sample_size(series)));
  const std::vector<double> distribution = bootstrap_distribution(series, statistic, options);
  const double tail = (1.0 - options.confidence) / 2.0;
  return Interval{quantile(distribution, tail), quantile(distribution, 1.0 - tail)};
}

double autocorrelation(std::span<const double> series, size_t lag) {
  if (lag >= series.size()) return 0.0;
  const double centre = mean(series);
  double products = 0.0;
  double squares = 0.0;
  for (size_t i = 0; i < series.size(); ++i) {
    const double d = series[i] - centre;
    squares += d * d;
    if (i + lag < series.size()) products += d * (series[i + lag] - centre);
  }
  return squares > 0.0 ? products / squares : 0.0;
}

double effective_sample_size(std::span<const double> series) {
  const auto n = static_cast<double>(series.size());
  if (series.size() < 4) return n;
  double sum = 0.0;
  for (size_t lag = 1; lag + 1 < series.size(); lag += 2) {
    const double pair = autocorrelation(series, lag) + autocorrelation(series, lag + 1);
    if (pair <= 0.0) break;
    sum += pair;
  }
  return std::clamp(n / (1.0 + 2.0 * sum), 1.0, n);
}

}  // namespace qb::stats
