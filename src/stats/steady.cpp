#include "stats/steady.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stats/stats.h"

namespace qb::stats {
namespace {

constexpr size_t segment_length_min = 5;
constexpr size_t count_min = 10;
constexpr size_t searched_count_max = 4000;  // PELT without changes takes their square
constexpr double mean_tolerance = 0.01;
constexpr double relative_deviation_floor = 1e-4;  // below the clock's own grain

// Sums over prefixes, of values with their mean taken away: variances of segments in one step.
class Segments {
 public:
  explicit Segments(std::span<const double> series) {
    double total = 0.0;
    for (const double value : series) total += value;
    centre_ = total / static_cast<double>(series.size());
    for (const double value : series) {
      const double d = value - centre_;
      sums_.push_back(sums_.back() + d);
      squares_.push_back(squares_.back() + d * d);
    }
    const double deviation = relative_deviation_floor * std::fabs(centre_);
    variance_floor_ = std::max(deviation * deviation, 1e-300);
  }

  double mean(size_t first, size_t last) const {
    return centre_ + (sums_[last] - sums_[first]) / static_cast<double>(last - first);
  }
  double variance(size_t first, size_t last) const {
    const auto n = static_cast<double>(last - first);
    const double sum = sums_[last] - sums_[first];
    return std::max((squares_[last] - squares_[first] - sum * sum / n) / n, variance_floor_);
  }
  // -2 log likelihood of a normal segment, without its constant.
  double cost(size_t first, size_t last) const {
    return static_cast<double>(last - first) * std::log(variance(first, last));
  }

 private:
  double centre_ = 0.0;
  double variance_floor_ = 0.0;
  std::vector<double> sums_ = {0.0};
  std::vector<double> squares_ = {0.0};
};

// Single spikes are no change: in windows of 200, what lies beyond the median by 3 times the
// distance of the 10th and 90th percentile takes the median's place (Barrett et al. leave those
// out).
std::vector<double> without_spikes(std::span<const double> series) {
  constexpr size_t window = 200;
  std::vector<double> calm(series.begin(), series.end());
  for (size_t first = 0; first < series.size(); first += window) {
    const auto part = series.subspan(first, std::min(window, series.size() - first));
    const double middle = quantile(part, 0.5);
    const double reach = 3.0 * (quantile(part, 0.9) - quantile(part, 0.1));
    for (size_t i = first; i < first + part.size(); ++i)
      if (std::fabs(calm[i] - middle) > reach) calm[i] = middle;
  }
  return calm;
}

}  // namespace

std::vector<size_t> change_points(std::span<const double> series, double penalty_factor) {
  const size_t n = series.size();
  if (n < 2 * segment_length_min) return {};
  const Segments segments(series);
  const double penalty = penalty_factor * std::log(static_cast<double>(n));
  std::vector<double> best(n + 1, std::numeric_limits<double>::infinity());
  std::vector<size_t> previous(n + 1, 0);
  best[0] = -penalty;
  struct Candidate {
    size_t first;
    size_t end;  // of the ends for which it may be the best
  };
  std::vector<Candidate> candidates = {{0, n + 1}};
  for (size_t last = segment_length_min; last <= n; ++last) {
    std::erase_if(candidates, [last](const Candidate& c) { return c.end <= last; });
    std::vector<double> costs;
    for (const Candidate& candidate : candidates) {
      costs.push_back(best[candidate.first] + segments.cost(candidate.first, last));
      if (costs.back() + penalty < best[last]) {
        best[last] = costs.back() + penalty;
        previous[last] = candidate.first;
      }
    }
    // One that is worse than the best by now can't become better for an end that a segment from
    // here may have.
    for (size_t i = 0; i < candidates.size(); ++i)
      if (costs[i] > best[last])
        candidates[i].end = std::min(candidates[i].end, last + segment_length_min);
    const size_t next = last + 1 - segment_length_min;
    if (next >= segment_length_min) candidates.push_back({next, n + 1});
  }
  std::vector<size_t> points;
  for (size_t at = previous[n]; at > 0; at = previous[at]) points.push_back(at);
  std::ranges::reverse(points);
  return points;
}

namespace {

// Change points of a series of any length: a long one is searched by the means of neighbours.
std::vector<size_t> change_points_of_groups(std::span<const double> series) {
  const size_t group = (series.size() + searched_count_max - 1) / searched_count_max;
  if (group <= 1) return change_points(series);
  std::vector<double> means;
  for (size_t first = 0; first + group <= series.size(); first += group)
    means.push_back(mean(series.subspan(first, group)));
  std::vector<size_t> points = change_points(means);
  for (size_t& point : points) point *= group;
  return points;
}

}  // namespace

std::optional<Steadiness> find_steady(std::span<const double> raw) {
  if (raw.size() < count_min) return std::nullopt;
  const std::vector<double> series = without_spikes(raw);
  std::vector<size_t> starts = change_points_of_groups(series);
  starts.insert(starts.begin(), 0);
  const Segments segments(series);
  const double mean = segments.mean(starts.back(), series.size());
  const double tolerance = std::max(std::sqrt(segments.variance(starts.back(), series.size())),
                                    mean_tolerance * std::fabs(mean));
  Steadiness result = {.first = starts.back()};
  for (size_t i = starts.size() - 1; i > 0; --i) {
    if (std::fabs(segments.mean(starts[i - 1], starts[i]) - mean) > tolerance) break;
    result.first = starts[i - 1];
  }
  result.is_steady = 2 * (series.size() - result.first) >= series.size();
  return result;
}

}  // namespace qb::stats
