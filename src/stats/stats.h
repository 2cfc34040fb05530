// Pure functions on samples.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace qb::stats {

// Quantile of type 7 of Hyndman and Fan (1996): linear between order statistics. Not empty;
// 0 <= q <= 1.
double quantile(std::span<const double> values, double q);
double median(std::span<const double> values);
double mean(std::span<const double> values);
// With n - 1; empty for n < 2.
std::optional<double> standard_deviation(std::span<const double> values);

struct Interval {
  double low = 0.0;
  double high = 0.0;
};

// Order-statistic interval of the median: [x(k), x(n + 1 - k)] with the largest k for which
// P(Binomial(n, 1/2) < k) <= (1 - confidence) / 2. Empty when n is too small (n < 6 for 95 %).
std::optional<Interval> median_interval(std::span<const double> values, double confidence = 0.95);

// Samples needed before quantile q may be printed: the smallest n with P(X <= 1) <= 1 - confidence
// for X ~ Binomial(n, 1 - q). At 0.99 that is 64 for p90, 662 for p99 and 6,636 for p99.9, as
// MLPerf LoadGen's early stopping has it. 0 < q < 1.
int64_t samples_needed(double q, double confidence = 0.99);

}  // namespace qb::stats
