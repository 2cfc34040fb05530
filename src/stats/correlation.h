// How much the neighbours of a series depend on each other.
#pragma once

#include <cstddef>
#include <span>

namespace qb::stats {

// Autocorrelation at `lag`, normalised by the variance with n (as statsmodels' acf). 0 for a
// constant series.
double autocorrelation(std::span<const double> series, size_t lag);

// n / (1 + 2 sum of autocorrelations), summed while the sums of neighbouring pairs stay positive
// (Geyer 1992, initial positive sequence); at most n, at least 1. n for fewer than 4 values.
double effective_sample_size(std::span<const double> series);

}  // namespace qb::stats
