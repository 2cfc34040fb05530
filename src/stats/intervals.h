// Intervals of few values: launches, pairs of launches, shares. How often each holds what it says
// is in bench/interval_coverage.cpp.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "stats/stats.h"

namespace qb::stats {

// Student's t with so many degrees of freedom lies within ± this with probability `confidence`:
// 2.776 for 4 and 0.95.
double t_quantile(double degrees_of_freedom, double confidence = 0.95);

// mean ± t s / sqrt(n). Empty for fewer than 3 values and for values that are all alike.
std::optional<Interval> mean_interval(std::span<const double> values, double confidence = 0.95);

// exp of the mean of the logs: the typical ratio. Values > 0, not empty.
double geometric_mean(std::span<const double> values);
// exp of the logs' mean_interval: holds geometric_mean. Empty also when a value isn't positive.
std::optional<Interval> geometric_mean_interval(std::span<const double> values,
                                                double confidence = 0.95);

// Of the median of independent launches: Student's t on their logs for 3 to 8, order statistics
// from 9 on, where they are no wider. Holds the median.
inline constexpr size_t order_statistics_count_min = 9;
std::optional<Interval> launches_interval(std::span<const double> values, double confidence = 0.95);

// Half of launches_interval's width over the median; empty without an interval.
std::optional<double> relative_half_width(std::span<const double> launches);

// Whether launches made one after another may end: their relative_half_width is at most
// `half_width`, with the newest launch and without it, and there are 11 at least. A single look at
// every launch would stop at widths that are narrow by chance: such intervals hold too seldom.
inline constexpr size_t stopping_count_min = 11;
bool may_stop(std::span<const double> launches, double half_width);

// Of a share (Wilson 1927); within 0..1. `count` > 0 may be the worth of dependent trials.
Interval wilson_interval(double share, double count, double confidence = 0.95);

}  // namespace qb::stats
