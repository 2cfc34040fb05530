#include "stats/steady.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "base/rng.h"
#include "stats/stats.h"

using namespace qb;
using namespace qb::stats;

namespace {

// `count` values around `mean` for each part.
struct Part {
  size_t count;
  double mean, deviation;
};
std::vector<double> series_of(std::initializer_list<Part> parts, uint64_t seed = 1) {
  Rng rng(seed);
  std::vector<double> series;
  for (const Part& part : parts)
    for (size_t i = 0; i < part.count; ++i)
      series.push_back(part.mean + part.deviation * rng.normal());
  return series;
}

// What change_points must find, by trying every earlier change point for every end and by adding
// up each segment anew: -2 ln likelihood of normal segments of 5 values at least, with their own
// mean and variance, and 15 ln n for each change.
class EveryPartition {
 public:
  explicit EveryPartition(const std::vector<double>& series) : series_(series) {
    const size_t n = series.size();
    penalty_ = 15.0 * std::log(static_cast<double>(n));
    best_.assign(n + 1, std::numeric_limits<double>::infinity());
    best_[0] = -penalty_;
    for (size_t last = 5; last <= n; ++last)
      for (size_t first = 0; first + 5 <= last; ++first)
        best_[last] = std::min(best_[last], best_[first] + cost(first, last) + penalty_);
  }

  double best() const { return best_.back(); }
  double cost_of(std::vector<size_t> points) const {
    points.push_back(series_.size());
    double sum = -penalty_;
    size_t first = 0;
    for (const size_t last : points) {
      sum += cost(first, last) + penalty_;
      first = last;
    }
    return sum;
  }

 private:
  double cost(size_t first, size_t last) const {
    const std::span<const double> part(series_.data() + first, last - first);
    const auto n = static_cast<double>(part.size());
    const double centre = mean(part);
    double squares = 0.0;
    for (const double value : part) squares += (value - centre) * (value - centre);
    double likelihood = -n / 2.0 * std::log(2.0 * std::numbers::pi * squares / n);
    for (const double value : part)
      likelihood -= (value - centre) * (value - centre) / (2.0 * squares / n);
    // The rest of the likelihood is the same for every partition.
    return -2.0 * likelihood - n * (std::log(2.0 * std::numbers::pi) + 1.0);
  }

  const std::vector<double>& series_;
  double penalty_ = 0.0;
  std::vector<double> best_;
};

// Up to six parts of 3 to `length_max` values, most of them unlike their neighbours.
std::vector<double> random_parts(uint64_t seed, size_t length_max) {
  Rng rng(seed);
  std::vector<double> series;
  const size_t part_count = 1 + rng.below(6);
  for (size_t part = 0; part < part_count; ++part) {
    const double centre = 50.0 + 30.0 * rng.normal();
    const double deviation = std::exp(1.5 * rng.normal());
    const size_t count = 3 + rng.below(length_max - 2);
    for (size_t i = 0; i < count; ++i) series.push_back(centre + deviation * rng.normal());
  }
  return series;
}

}  // namespace

TEST_CASE("no partition of thousands of random series is better than the one that is found") {
  size_t change_count = 0;
  // Short parts end where a segment of the least length can't: that is where pruning goes wrong.
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    CAPTURE(seed);
    const auto series = random_parts(seed, seed < 3900 ? 11 : 60);
    if (series.size() < 10) continue;
    const auto points = change_points(series);
    change_count += points.size();
    const EveryPartition every(series);
    CHECK(every.cost_of(points) == doctest::Approx(every.best()).epsilon(1e-9));
  }
  CHECK(change_count > 2000);  // there was something to find
}

TEST_CASE("what is steady follows from the segments, by its own words") {
  size_t steady_count = 0;
  size_t restless_count = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    // Levels without spikes: values between 0.9 and 1.1 of each, so that none is taken out.
    std::vector<double> series;
    const size_t part_count = 1 + rng.below(4);
    for (size_t part = 0; part < part_count; ++part) {
      const double level = 10.0 + 10.0 * static_cast<double>(rng.below(3));
      const size_t count = 20 + rng.below(30);
      for (size_t i = 0; i < count; ++i) series.push_back(level * (0.9 + 0.2 * rng.uniform()));
    }
    std::vector<size_t> starts = change_points(series);
    starts.insert(starts.begin(), 0);
    const auto values = [&](size_t first, size_t last) {
      return std::span<const double>(series).subspan(first, last - first);
    };
    const auto tail = values(starts.back(), series.size());
    double squares = 0.0;
    for (const double value : tail) squares += std::pow(value - mean(tail), 2);
    const double tolerance =
        std::max(std::sqrt(squares / static_cast<double>(tail.size())), 0.01 * mean(tail));
    size_t first = starts.back();
    for (size_t i = starts.size() - 1; i > 0; --i) {
      if (std::fabs(mean(values(starts[i - 1], starts[i])) - mean(tail)) > tolerance) break;
      first = starts[i - 1];
    }
    const auto found = find_steady(series);
    REQUIRE(found);
    CHECK(found->first == first);
    CHECK(found->is_steady == (series.size() - first >= (series.size() + 1) / 2));
    ++(found->is_steady ? steady_count : restless_count);
  }
  CHECK(steady_count > 20);
  CHECK(restless_count > 20);
}

TEST_CASE("noise alone has no change point, in 200 series") {
  int alarms = 0;
  for (uint64_t seed = 0; seed < 200; ++seed)
    alarms += change_points(series_of({{100, 50.0, 2.0}}, seed)).empty() ? 0 : 1;
  CHECK(alarms <= 2);
}

TEST_CASE("a step in mean or in spread is found where it is") {
  const auto mean_step = change_points(series_of({{60, 50.0, 1.0}, {60, 60.0, 1.0}}));
  REQUIRE(mean_step.size() == 1);
  CHECK(std::abs(static_cast<int>(mean_step[0]) - 60) <= 2);
  const auto spread_step = change_points(series_of({{100, 50.0, 0.2}, {100, 50.0, 5.0}}));
  REQUIRE(spread_step.size() == 1);
  CHECK(std::abs(static_cast<int>(spread_step[0]) - 100) <= 4);
}

TEST_CASE("a warm-up is cut off; a series that still changes is not steady") {
  const auto warm = find_steady(series_of({{30, 80.0, 2.0}, {100, 50.0, 1.0}}));
  REQUIRE(warm);
  CHECK(warm->is_steady);
  CHECK(std::abs(static_cast<int>(warm->first) - 30) <= 2);
  const auto late = find_steady(series_of({{100, 50.0, 1.0}, {40, 70.0, 1.0}}));
  REQUIRE(late);
  CHECK_FALSE(late->is_steady);
  std::vector<double> climbing;
  for (int i = 0; i < 200; ++i) climbing.push_back(50.0 + i);
  CHECK_FALSE(find_steady(climbing)->is_steady);
}

TEST_CASE("extremes: few, constant, tied and very many values") {
  CHECK_FALSE(find_steady(series_of({{9, 1.0, 0.1}})));
  const std::vector<double> constant(1000, 5e6);
  CHECK(change_points(constant).empty());
  CHECK(find_steady(constant)->first == 0);
  std::vector<double> tied;
  for (int i = 0; i < 400; ++i) tied.push_back(i % 2 ? 41.0 : 42.0);
  CHECK(find_steady(tied)->is_steady);
  CHECK(find_steady(series_of({{20000, 50.0, 1.0}}))->is_steady);
  const auto million = find_steady(series_of({{100'000, 80.0, 2.0}, {900'000, 50.0, 1.0}}));
  CHECK(million->is_steady);
  CHECK(std::abs(static_cast<int64_t>(million->first) - 100'000) <= 1000);
  CHECK(find_steady(std::vector<double>(1'000'000, 5e6))->first == 0);
  const auto one_outlier = [] {
    auto series = series_of({{200, 50.0, 1.0}});
    series[150] = 500.0;
    return series;
  }();
  CHECK(find_steady(one_outlier)->is_steady);
}
