// Series whose neighbours depend on each other, such as the tokens of a text: their figures vary as
// the means of chunks of neighbours do.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "stats/stats.h"

namespace qb::stats {

// What is kept of a series.
inline constexpr size_t chunk_count = 16;

// Means of `chunk_count` chunks in order; chunk i holds the values [i n / 16, (i + 1) n / 16).
// Empty for fewer than 2 values a chunk.
std::vector<double> chunk_means(std::span<const double> series);

// How many independent trials a share of `count` dependent ones is worth (never more than `count`):
// n / D with D = max(1, m s^2 / (p (1 - p))) (t / 1.96)^2, s^2 the variance of the chunks' shares
// of m trials each, t Student's quantile for their number. `chunks` as chunk_means gives them.
double effective_count(std::span<const double> chunks, double share, size_t count);

// mean ± t s / sqrt(k) over k chunks of a series of `count` values: 16, or their pairs' means for
// fewer than 4,096 values, since short chunks depend on each other. Empty when chunks are all alike
// or not 16.
std::optional<Interval> chunks_interval(std::span<const double> chunks, double mean, size_t count);
// The same for a positive skewed mean, on its log: mean exp(± t s / sqrt(k) / mean).
std::optional<Interval> chunks_log_interval(std::span<const double> chunks, double mean,
                                            size_t count);

}  // namespace qb::stats
