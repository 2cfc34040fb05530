#include "stats/steps.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "stats/stats.h"

namespace qb::stats {
namespace {

constexpr size_t level_min = 4;
constexpr size_t window =
    128;  // pulses are looked for in windows of so many values, half of it apart
constexpr int moves_max = 6;

struct Stretch {
  size_t begin = 0;
  size_t end = 0;
  size_t size() const { return end - begin; }
};

// Normal scores of the ranks within the stretch, ties at their mid rank, and their sums: sums[k] of
// the first k, the mean taken off.
struct Scores {
  std::vector<double> values;
  std::vector<double> sums;
};

Scores scores_of(std::span<const double> series) {
  const size_t m = series.size();
  std::vector<size_t> order(m);
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return series[i]; });
  Scores scores = {std::vector<double>(m), std::vector<double>(m + 1)};
  const boost::math::normal_distribution<double> normal;
  for (size_t first = 0; first < m;) {
    size_t last = first;
    while (last + 1 < m && series[order[last + 1]] == series[order[first]]) ++last;
    const double rank = static_cast<double>(first + last) / 2.0 + 1.0;
    const double score = boost::math::quantile(normal, rank / static_cast<double>(m + 1));
    for (size_t i = first; i <= last; ++i) scores.values[order[i]] = score;
    first = last + 1;
  }
  const double middle = mean(scores.values);
  for (size_t i = 0; i < m; ++i) scores.sums[i + 1] = scores.sums[i] + (scores.values[i] - middle);
  return scores;
}

// Of the scores' mean over [begin, end), where everything within has one level and everything
// without another: 2 pi times the spectral density at 0 of the AR(1) process that is left, with
// the bias of its coefficient taken off (Kendall 1954).
double long_run_variance(const Scores& scores, Stretch part) {
  const size_t m = scores.values.size();
  const double middle = mean(scores.values);
  const double sum = scores.sums[part.end] - scores.sums[part.begin];
  const double inside = middle + sum / static_cast<double>(part.size());
  const double outside = middle - sum / static_cast<double>(m - part.size());
  double squares = 0.0;
  double products = 0.0;
  double before = 0.0;
  for (size_t i = 0; i < m; ++i) {
    const bool is_inside = i >= part.begin && i < part.end;
    const double left = scores.values[i] - (is_inside ? inside : outside);
    squares += left * left;
    products += left * before;
    before = left;
  }
  const auto n = static_cast<double>(m);
  double r = squares > 0.0 ? products / squares : 0.0;
  r = std::clamp(r + (6.0 + 4.0 * r) / n, -0.3, 0.95);
  return std::max(1e-12, squares / (n - 2.0) * (1.0 + r) / (1.0 - r));
}

struct Found {
  double statistic = 0.0;
  Stretch part;  // the level that stands out
};

// The standardised difference between the mean within and without.
double contrast(const Scores& scores, Stretch part) {
  const auto m = static_cast<double>(scores.values.size());
  const auto inside = static_cast<double>(part.size());
  return std::abs(scores.sums[part.end] - scores.sums[part.begin]) *
         std::sqrt(m / (inside * (m - inside)));
}

Found standardised(const Scores& scores, Found found) {
  found.statistic /= std::sqrt(long_run_variance(scores, found.part));
  return found;
}

// The step from a first level, [0, k), to a second.
Found largest_step(const Scores& scores) {
  const size_t m = scores.values.size();
  Found best = {.part = {0, level_min}};
  for (size_t k = level_min; k + level_min <= m; ++k)
    if (const double size = contrast(scores, {0, k}); size > best.statistic) best = {size, {0, k}};
  return standardised(scores, best);
}

Found largest_pulse(const Scores& scores) {
  const size_t m = scores.values.size();
  std::vector<double> scales(m, 0.0);  // of contrast, by length
  for (size_t length = level_min; length + level_min <= m; ++length)
    scales[length] = std::sqrt(static_cast<double>(m) / static_cast<double>(length * (m - length)));
  Found best = {.part = {0, level_min}};
  for (size_t i = 0; i + level_min <= m; ++i)
    for (size_t j = i + level_min; j <= std::min(m, i + m - level_min); ++j)
      if (const double size = std::abs(scores.sums[j] - scores.sums[i]) * scales[j - i];
          size > best.statistic)
        best = {size, {i, j}};
  return standardised(scores, best);
}

// Short stretches have larger statistics by chance.
double bound_for(size_t size, double bound) {
  return bound + 0.3 * std::max(0.0, 100.0 / static_cast<double>(size) - 1.0);
}

class Search {
 public:
  Search(std::span<const double> series, const StepBounds& bounds)
      : series_(series), bounds_(bounds) {}

  std::vector<Step> steps() {
    std::vector<Stretch> left = {{0, series_.size()}};
    while (!left.empty()) {
      const Stretch stretch = left.back();
      left.pop_back();
      if (stretch.size() < step_values_min) continue;
      const std::vector<size_t> cuts = cuts_of(stretch);
      size_t begin = stretch.begin;
      for (const size_t cut : cuts) {
        left.push_back({begin, cut});
        begin = cut;
      }
      if (!cuts.empty()) left.push_back({begin, stretch.end});
      cuts_.insert(cuts_.end(), cuts.begin(), cuts.end());
    }
    std::ranges::sort(cuts_);
    refit();
    return told();
  }

 private:
  Scores scores_of_stretch(Stretch s) const {
    return scores_of(series_.subspan(s.begin, s.size()));
  }

  // Where the stretch is to be cut, ascending, a level's length from its ends and from each other.
  std::vector<size_t> cuts_of(Stretch stretch) const {
    const Scores scores = scores_of_stretch(stretch);
    const Found step = largest_step(scores);
    if (step.statistic > bound_for(stretch.size(), bounds_.step))
      return {stretch.begin + step.part.end};
    std::vector<Found> pulses;
    if (stretch.size() <= window) {
      collect_pulse(stretch, bound_for(stretch.size(), bounds_.pulse), pulses);
    } else {
      const double looks = 2.0 * static_cast<double>(stretch.size()) / window;
      const double bound = std::sqrt(bounds_.pulse * bounds_.pulse + 2.0 * std::log(looks));
      for (size_t begin = stretch.begin; begin < stretch.end; begin += window / 2)
        collect_pulse({begin, std::min(begin + window, stretch.end)}, bound, pulses);
    }
    return ends_of(pulses, stretch);
  }

  void collect_pulse(Stretch stretch, double bound, std::vector<Found>& pulses) const {
    if (stretch.size() < step_values_min) return;
    Found pulse = largest_pulse(scores_of_stretch(stretch));
    if (pulse.statistic <= bound) return;
    pulse.part.begin += stretch.begin;
    pulse.part.end += stretch.begin;
    pulses.push_back(pulse);
  }

  // The clearest pulses first, where two are too near to each other.
  static std::vector<size_t> ends_of(std::vector<Found>& pulses, Stretch stretch) {
    std::ranges::sort(pulses, std::ranges::greater{}, &Found::statistic);
    std::vector<size_t> cuts;
    for (const Found& pulse : pulses)
      for (const size_t cut : {pulse.part.begin, pulse.part.end}) {
        const bool is_inside = cut >= stretch.begin + level_min && cut + level_min <= stretch.end;
        const bool is_free = std::ranges::none_of(cuts, [cut](size_t other) {
          return std::max(cut, other) - std::min(cut, other) < level_min;
        });
        if (is_inside && is_free) cuts.push_back(cut);
      }
    std::ranges::sort(cuts);
    return cuts;
  }

  Stretch between_neighbours(size_t i) const {
    return {i == 0 ? 0 : cuts_[i - 1], i + 1 < cuts_.size() ? cuts_[i + 1] : series_.size()};
  }

  // Each step between its neighbours: moved to where it is largest, taken out where it has become
  // too small and is smaller than its neighbours.
  void refit() {
    for (int move = 0; move < moves_max && !cuts_.empty(); ++move) {
      std::vector<Found> found;
      for (size_t i = 0; i < cuts_.size(); ++i) {
        const Stretch around = between_neighbours(i);
        found.push_back(largest_step(scores_of_stretch(around)));
        found.back().part.end += around.begin;
      }
      std::vector<size_t> kept;
      for (size_t i = 0; i < cuts_.size(); ++i)
        if (!is_to_go(found, i)) kept.push_back(found[i].part.end);
      if (std::exchange(cuts_, kept) == kept) return;
    }
  }

  bool is_to_go(const std::vector<Found>& found, size_t i) const {
    const double own = found[i].statistic;
    if (own >= bound_for(between_neighbours(i).size(), bounds_.kept)) return false;
    return (i == 0 || own <= found[i - 1].statistic) &&
           (i + 1 == found.size() || own < found[i + 1].statistic);
  }

  std::vector<Step> told() const {
    std::vector<Step> steps;
    for (size_t i = 0; i < cuts_.size(); ++i) {
      const Stretch around = between_neighbours(i);
      const Scores scores = scores_of_stretch(around);
      const Stretch first_level = {0, cuts_[i] - around.begin};
      const Found found = standardised(scores, {contrast(scores, first_level), first_level});
      steps.push_back({.first = cuts_[i],
                       .begin = around.begin,
                       .end = around.end,
                       .before = median(level(around.begin, cuts_[i])),
                       .after = median(level(cuts_[i], around.end)),
                       .statistic = found.statistic});
    }
    for (size_t first = 0; first < steps.size();) {
      size_t last = first;
      while (last + 1 < steps.size() && is_up(steps[last + 1]) == is_up(steps[first])) ++last;
      const bool is_gradual = line_fits_better(first, last);
      for (; first <= last; ++first) steps[first].is_gradual = is_gradual;
    }
    return steps;
  }

  static bool is_up(const Step& step) { return step.after > step.before; }

  std::span<const double> level(size_t begin, size_t end) const {
    return series_.subspan(begin, end - begin);
  }

  // Whether a straight line explains more of the scores than the stairs from the first step to the
  // last: each stair but one costs 2 ln m, for its height and its place (Schwarz 1978).
  bool line_fits_better(size_t first, size_t last) const {
    const Stretch around = {between_neighbours(first).begin, between_neighbours(last).end};
    const Scores scores = scores_of_stretch(around);
    const auto m = static_cast<double>(around.size());
    const double middle = mean(scores.values);
    double all = 0.0;
    double products = 0.0;
    for (size_t i = 0; i < scores.values.size(); ++i) {
      const double value = scores.values[i] - middle;
      all += value * value;
      products += (static_cast<double>(i) - (m - 1.0) / 2.0) * value;
    }
    const double by_line = products * products / (m * (m * m - 1.0) / 12.0);
    double by_stairs = 0.0;
    size_t begin = 0;
    for (size_t i = first; i <= last + 1; ++i) {
      const size_t end = i <= last ? cuts_[i] - around.begin : around.size();
      const double sum = scores.sums[end] - scores.sums[begin];
      by_stairs += sum * sum / static_cast<double>(end - begin);
      begin = end;
    }
    const double noise = (all - by_stairs) / m;
    const auto more_stairs = static_cast<double>(last - first);
    return by_line > by_stairs - 2.0 * std::log(m) * more_stairs * noise;
  }

  std::span<const double> series_;
  StepBounds bounds_;
  std::vector<size_t> cuts_;
};

}  // namespace

std::vector<Step> find_steps(std::span<const double> series, const StepBounds& bounds) {
  if (series.size() < step_values_min) return {};
  return Search(series, bounds).steps();
}

}  // namespace qb::stats
