#include "stats/chunks.h"

#include <algorithm>
#include <cmath>

#include "stats/intervals.h"

namespace qb::stats {
namespace {

constexpr size_t whole_chunks_count_min = 4096;  // below, chunks are joined by two

// Where single values lie far above the rest, chunks show too little of it: Student's t for 0.98
// holds 0.94 of a lognormal tail of log deviation 2, and 0.98 of one of 1.
constexpr double long_tail_confidence = 0.98;

size_t begin_of(size_t chunk, size_t count) { return chunk * count / chunk_count; }

double size_of(size_t chunk, size_t count) {
  return static_cast<double>(begin_of(chunk + 1, count) - begin_of(chunk, count));
}

std::vector<double> joined_by_two(std::span<const double> chunks, size_t count) {
  std::vector<double> joined;
  for (size_t i = 0; i + 1 < chunks.size(); i += 2) {
    const double own = size_of(i, count);
    const double next = size_of(i + 1, count);
    joined.push_back((own * chunks[i] + next * chunks[i + 1]) / (own + next));
  }
  return joined;
}

// t s / sqrt(k); empty when there is nothing to tell from.
std::optional<double> reach_of(std::span<const double> chunks, size_t count,
                               double confidence = 0.95) {
  if (chunks.size() != chunk_count) return std::nullopt;
  std::vector<double> used(chunks.begin(), chunks.end());
  if (count < whole_chunks_count_min) used = joined_by_two(chunks, count);
  const auto interval = mean_interval(used, confidence);
  if (!interval) return std::nullopt;
  return (interval->high - interval->low) / 2.0;
}

}  // namespace

std::vector<double> chunk_means(std::span<const double> series) {
  std::vector<double> means;
  if (series.size() < 2 * chunk_count) return means;
  for (size_t i = 0; i < chunk_count; ++i) {
    const size_t begin = begin_of(i, series.size());
    means.push_back(mean(series.subspan(begin, begin_of(i + 1, series.size()) - begin)));
  }
  return means;
}

double effective_count(std::span<const double> chunks, double share, size_t count) {
  const auto n = static_cast<double>(count);
  const auto k = static_cast<double>(chunks.size());
  const double deviation = standard_deviation(chunks).value_or(0.0);
  const double expected = share * (1.0 - share);
  double excess = 1.0;
  if (expected > 0.0) excess = std::max(1.0, n / k * deviation * deviation / expected);
  const double t = t_quantile(k - 1.0) / 1.959963984540054;
  return n / (excess * t * t);
}

std::optional<Interval> chunks_interval(std::span<const double> chunks, double mean, size_t count) {
  const auto reach = reach_of(chunks, count);
  if (!reach) return std::nullopt;
  return Interval{mean - *reach, mean + *reach};
}

std::optional<Interval> chunks_log_interval(std::span<const double> chunks, double mean,
                                            size_t count) {
  const auto reach = reach_of(chunks, count, long_tail_confidence);
  if (!reach || mean <= 0.0) return std::nullopt;
  return Interval{mean * std::exp(-*reach / mean), mean * std::exp(*reach / mean)};
}

}  // namespace qb::stats
