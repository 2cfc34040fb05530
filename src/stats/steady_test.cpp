#include "stats/steady.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/rng.h"

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

}  // namespace

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
