// Intervals by resampling.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "stats/stats.h"

namespace qb::stats {

// Of a sample; must not depend on the order of its values unless blocks are resampled.
using Statistic = std::function<double(std::span<const double>)>;

struct BootstrapOptions {
  int64_t resample_count = 9999;
  double confidence = 0.95;
  uint64_t seed = 1;         // the same input gives the same interval
  int64_t block_length = 1;  // more for series whose neighbours depend on each other
};

// The statistic of each resample. With block_length > 1 runs of that many neighbours are drawn,
// the series taken as a circle (Politis and Romano 1992).
std::vector<double> bootstrap_distribution(std::span<const double> values,
                                           const Statistic& statistic,
                                           const BootstrapOptions& options);

// Bias-corrected and accelerated interval (Efron 1987) from a distribution of resamples; quantiles
// of type 7. Empty for fewer than 3 values or when all resamples are alike.
std::optional<Interval> bca_interval(std::span<const double> values, const Statistic& statistic,
                                     std::span<const double> distribution,
                                     double confidence = 0.95);
std::optional<Interval> bca_interval(std::span<const double> values, const Statistic& statistic,
                                     const BootstrapOptions& options = {});

// Percentile interval of a block bootstrap, for a series whose samples are correlated; the block
// length is n / effective sample size, at least n^(1/3). Empty for fewer than 8 values.
std::optional<Interval> block_bootstrap_interval(std::span<const double> series,
                                                 const Statistic& statistic,
                                                 BootstrapOptions options = {});

// Autocorrelation at `lag`, normalised by the variance with n (as statsmodels' acf). 0 for a
// constant series.
double autocorrelation(std::span<const double> series, size_t lag);

// n / (1 + 2 sum of autocorrelations), summed while the sums of neighbouring pairs stay positive
// (Geyer 1992, initial positive sequence); at most n, at least 1. n for fewer than 4 values.
double effective_sample_size(std::span<const double> series);

}  // namespace qb::stats
