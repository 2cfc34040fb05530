#include "stats/drift.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "base/rng.h"
#include "stats/simulation.h"

using namespace qb;
using namespace qb::stats;

namespace {

constexpr int repeat_count = 2000;  // one standard error of a share of 0.05: 0.005

struct Run {
  size_t case_count;
  size_t block_count;
  double slowdown = 0.0;     // from the first launch to the last
  double block_noise = 0.0;  // that all launches of a block share
  double dependence = 0.0;   // of a launch's noise on that of the one before
  Noise noise = Noise::normal;
};

// Blocks that hold each case once in random order, as a run has them; cases differ by a factor.
std::vector<CaseValue> draw_run(Rng& rng, const Run& run) {
  constexpr double deviation = 0.02;
  std::vector<size_t> order(run.case_count);
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  const size_t count = run.case_count * run.block_count;
  const std::vector<double> series = draw_series(rng, run.dependence, count);
  std::vector<CaseValue> values;
  double of_block = 0.0;
  for (size_t i = 0; i < count; ++i) {
    if (i % run.case_count == 0) {
      rng.shuffle(std::span(order));
      of_block = run.block_noise * rng.normal();
    }
    const size_t number = order[i % run.case_count];
    const double own = run.dependence > 0.0 ? std::exp(deviation * series[i])
                                            : draw_launch(rng, run.noise, deviation);
    const double at = static_cast<double>(i) / static_cast<double>(count - 1);
    values.push_back({number, own * std::exp(of_block) * std::pow(1.0 + run.slowdown, at) *
                                  static_cast<double>(number + 1)});
  }
  return values;
}

bool is_told(const std::optional<Drift>& drift) {
  return drift && (drift->interval.low > 0.0 || drift->interval.high < 0.0);
}

double share_told(const Run& run) {
  Rng rng(1);
  int told = 0;
  for (int i = 0; i < repeat_count; ++i) told += is_told(find_drift(draw_run(rng, run))) ? 1 : 0;
  return told / static_cast<double>(repeat_count);
}

}  // namespace

TEST_CASE("a machine that doesn't drift is said to drift in one run of twenty at most") {
  constexpr double alarm_max = 0.05 + 2.5 * 0.005;
  for (const NoiseRow& row : noises)
    for (const auto& [cases, blocks] :
         std::vector<std::pair<size_t, size_t>>{{1, 5}, {1, 11}, {4, 5}, {12, 5}, {12, 20}}) {
      CAPTURE(row.name);
      CAPTURE(cases);
      CAPTURE(blocks);
      CHECK(share_told({.case_count = cases, .block_count = blocks, .noise = row.noise}) <=
            alarm_max);
    }
  SUBCASE("nor when a slow spell meets a whole block") {
    for (const size_t cases : {4, 12})
      CHECK(share_told({.case_count = cases, .block_count = 5, .block_noise = 0.05}) <= alarm_max);
  }
  SUBCASE("nor when launches are like the ones before") {
    CHECK(share_told({.case_count = 12, .block_count = 20, .dependence = 0.5}) <= alarm_max);
  }
}

TEST_CASE("a slowdown of a tenth is found") {
  CHECK(share_told({.case_count = 1, .block_count = 11, .slowdown = 0.1}) >= 0.9);
  CHECK(share_told({.case_count = 4, .block_count = 5, .slowdown = 0.1}) >= 0.9);
  CHECK(share_told({.case_count = 12, .block_count = 5, .slowdown = 0.1}) >= 0.99);
  CHECK(share_told(
            {.case_count = 12, .block_count = 5, .slowdown = 0.1, .noise = Noise::heavy_tailed}) >=
        0.9);
  CHECK(share_told({.case_count = 12, .block_count = 11, .slowdown = 0.1, .block_noise = 0.02}) >=
        0.8);
}

TEST_CASE("its size is found whatever the cases' own times are, and its interval holds it") {
  Rng rng(2);
  int held = 0;
  double sum = 0.0;
  for (int i = 0; i < repeat_count; ++i) {
    const auto drift =
        find_drift(draw_run(rng, {.case_count = 6, .block_count = 8, .slowdown = 0.12}));
    REQUIRE(drift);
    sum += drift->change;
    held += drift->interval.low <= 0.12 && 0.12 <= drift->interval.high ? 1 : 0;
  }
  CHECK(sum / repeat_count == doctest::Approx(0.12).epsilon(0.02));
  CHECK(held >= 0.936 * repeat_count);
}

TEST_CASE("cases that end early, and a speed-up, are no obstacle") {
  Rng rng(3);
  std::vector<CaseValue> values =
      draw_run(rng, {.case_count = 8, .block_count = 12, .slowdown = -0.2});
  std::vector<CaseValue> some;  // half of the cases have six values
  for (size_t i = 0; i < values.size(); ++i)
    if (values[i].number % 2 == 0 || i < 48) some.push_back(values[i]);
  const auto drift = find_drift(some);
  REQUIRE(drift);
  CHECK(drift->interval.high < 0.0);
  CHECK(drift->change == doctest::Approx(-0.2).epsilon(0.15));
}

TEST_CASE("too few launches tell nothing") {
  Rng rng(4);
  CHECK_FALSE(find_drift({}));
  CHECK_FALSE(find_drift(draw_run(rng, {.case_count = 40, .block_count = 4, .slowdown = 0.5})));
  CHECK_FALSE(find_drift(draw_run(rng, {.case_count = 9, .block_count = 1})));
  const std::vector<CaseValue> alike(12, CaseValue{0, 2.0});
  CHECK_FALSE(find_drift(alike));
}
