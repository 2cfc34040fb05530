#include "stats/steps.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/rng.h"
#include "stats/simulation.h"

using namespace qb;
using namespace qb::stats;

namespace {

constexpr int repeat_count = 1000;  // one standard error of a share of 0.01: 0.003
constexpr size_t night_count = 100;

std::vector<double> draw_nights(Rng& rng, double dependence) {
  return draw_series(rng, dependence, night_count);
}

// Of made-up series, in how many `holds` of the steps that are found.
template <typename Draw, typename Holds>
double share_of(uint64_t seed, const Draw& draw, const Holds& holds,
                const StepBounds& bounds = step_bounds_of_a_page) {
  Rng rng(seed);
  int count = 0;
  for (int i = 0; i < repeat_count; ++i) count += holds(find_steps(draw(rng), bounds));
  return count / static_cast<double>(repeat_count);
}

bool has_any(const std::vector<Step>& steps) { return !steps.empty(); }

bool is_found_at(const std::vector<Step>& steps, size_t where) {
  return std::ranges::any_of(steps, [where](const Step& step) {
    return step.first + 5 >= where && step.first <= where + 5;
  });
}

double share_found(uint64_t seed, double size) {
  const auto draw = [size](Rng& rng) {
    std::vector<double> series = draw_nights(rng, 0.0);
    for (size_t i = night_count / 2; i < night_count; ++i) series[i] += size;
    return series;
  };
  return share_of(seed, draw, [](const auto& s) { return is_found_at(s, night_count / 2); });
}

std::vector<double> two_levels(size_t first, size_t count) {
  std::vector<double> series(count, 10.0);
  std::fill(series.begin() + static_cast<ptrdiff_t>(first), series.end(), 11.0);
  return series;
}

}  // namespace

// The bars are those of docs/decisions/0056; bench/change_points.py has the figures.
TEST_CASE("series without a step: few alarms, whatever their noise") {
  CHECK(share_of(1, [](Rng& rng) { return draw_nights(rng, 0.0); }, has_any) <= 0.02);
  CHECK(share_of(2, [](Rng& rng) { return draw_nights(rng, 0.5); }, has_any) <= 0.03);
  const auto lognormal = [](Rng& rng) {
    return draw_launches(rng, Noise::lognormal, 0.5, night_count);
  };
  CHECK(share_of(3, lognormal, has_any) <= 0.03);
  const auto outliers = [](Rng& rng) {
    return draw_launches(rng, Noise::outliers, 0.02, night_count);
  };
  CHECK(share_of(4, outliers, has_any) <= 0.03);
}

TEST_CASE("a step in the middle of 100 nights is found within 5 nights") {
  CHECK(share_found(5, 1.0) >= 0.65);
  CHECK(share_found(6, 2.0) >= 0.97);
  CHECK(share_found(7, 3.0) >= 0.99);
}

TEST_CASE("a stretch that is worse and then as before: both of its ends") {
  const auto draw = [](Rng& rng) {
    std::vector<double> series = draw_nights(rng, 0.0);
    for (size_t i = 40; i < 60; ++i) series[i] += 2.0;
    return series;
  };
  const auto holds = [](const auto& s) { return is_found_at(s, 40) && is_found_at(s, 60); };
  CHECK(share_of(8, draw, holds) >= 0.9);
}

TEST_CASE("a single night far off is no step") {
  const auto draw = [](Rng& rng) {
    std::vector<double> series = draw_nights(rng, 0.0);
    series[70] += 10.0;
    return series;
  };
  CHECK(share_of(9, draw, has_any) <= 0.03);
}

TEST_CASE("levels without noise, and what a step tells") {
  const std::vector<Step> steps = find_steps(two_levels(17, 40));
  REQUIRE(steps.size() == 1);
  CHECK(steps[0].first == 17);
  CHECK(steps[0].begin == 0);
  CHECK(steps[0].end == 40);
  CHECK(steps[0].before == 10.0);
  CHECK(steps[0].after == 11.0);
  CHECK_FALSE(steps[0].is_gradual);
  CHECK(find_steps(std::vector<double>(200, 3.0)).empty());
  CHECK(find_steps(two_levels(5, step_values_min - 1)).empty());
}

TEST_CASE("a slow drift is called gradual, a step isn't") {
  const auto drift = [](Rng& rng) {
    std::vector<double> series = draw_nights(rng, 0.0);
    for (size_t i = 0; i < night_count; ++i)
      series[i] += 4.0 * static_cast<double>(i) / static_cast<double>(night_count);
    return series;
  };
  const auto is_gradual = [](const auto& steps) {
    return std::ranges::any_of(steps, &Step::is_gradual);
  };
  CHECK(share_of(10, drift, is_gradual) >= 0.9);
  const auto step = [](Rng& rng) {
    std::vector<double> series = draw_nights(rng, 0.0);
    for (size_t i = 50; i < night_count; ++i) series[i] += 3.0;
    return series;
  };
  CHECK(share_of(11, step, is_gradual) <= 0.03);
}

TEST_CASE("many steps of long series are found, and hardly any other") {
  constexpr size_t series_count = 20;
  constexpr size_t steps_each = 19;
  Rng rng(12);
  size_t found = 0;
  size_t told = 0;
  for (size_t n = 0; n < series_count; ++n) {
    std::vector<double> series = draw_series(rng, 0.0, 100 * (steps_each + 1));
    for (size_t i = 0; i < series.size(); ++i) series[i] += (i / 100) % 2 == 0 ? 0.0 : 3.0;
    const std::vector<Step> steps = find_steps(series);
    for (size_t where = 100; where < series.size(); where += 100)
      found += is_found_at(steps, where) ? 1 : 0;
    told += steps.size();
  }
  CHECK(found >= series_count * steps_each * 0.99);
  CHECK(told <= series_count * steps_each * 1.05);
}

TEST_CASE("a look each night: bounds that a year of looks needs") {
  constexpr int year_count = 40;
  constexpr size_t nights_looked_at = 200;
  Rng rng(13);
  int alarms = 0;
  for (int i = 0; i < year_count; ++i) {
    const std::vector<double> nights = draw_series(rng, 0.0, nights_looked_at + 365);
    bool had_step = false;
    for (size_t night = nights_looked_at; night < nights.size(); ++night) {
      const auto seen = std::span(nights).subspan(night - nights_looked_at, nights_looked_at);
      const bool has_step = has_any(find_steps(seen, step_bounds_of_a_night));
      alarms += has_step && !had_step ? 1 : 0;
      had_step = has_step;
    }
  }
  CHECK(alarms <= 10);  // 0.1 a year are expected: 40 years have more than 10 in 0.3 % of the tests
}
