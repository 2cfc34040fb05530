#include "stats/stats.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/rng.h"

using namespace qb;
using namespace qb::stats;

TEST_CASE("quantiles are those of type 7") {
  const std::vector<double> values = {4, 1, 3, 2};
  CHECK(quantile(values, 0.0) == 1);
  CHECK(quantile(values, 1.0) == 4);
  CHECK(quantile(values, 0.5) == 2.5);
  CHECK(quantile(values, 0.9) == doctest::Approx(3.7));  // numpy.quantile([1,2,3,4], .9)
  CHECK(median(std::vector<double>{7}) == 7);
}

TEST_CASE("spread needs two values") {
  CHECK_FALSE(standard_deviation(std::vector<double>{1}));
  CHECK(*standard_deviation(std::vector<double>{1, 3}) == doctest::Approx(1.4142135623730951));
}

TEST_CASE("the median's interval is made of order statistics, from six values on") {
  std::vector<double> values(5);
  std::iota(values.begin(), values.end(), 1);
  CHECK_FALSE(median_interval(values));
  values.push_back(6);
  CHECK(median_interval(values)->low == 1);  // 2 * 0.5^6 = 3.1 %
  CHECK(median_interval(values)->high == 6);
  values.resize(20);
  std::iota(values.begin(), values.end(), 1);
  CHECK(median_interval(values)->low == 6);  // scipy.stats.binom.cdf(5, 20, .5) = .0207
  CHECK(median_interval(values)->high == 15);
}

TEST_CASE("extremes: one value, constants, ties, huge spreads and a million values") {
  Rng rng(5);
  std::vector<std::vector<double>> inputs = {
      {7.0}, std::vector<double>(1000, -3.5), {1, 1, 2, 2, 2, 3}, {1e-300, 1.0, 1e300}};
  inputs.emplace_back();
  for (int i = 0; i < 1'000'000; ++i) inputs.back().push_back(std::exp(3.0 * rng.normal()));
  for (const std::vector<double>& values : inputs) {
    CAPTURE(values.size());
    const auto [lowest, highest] = std::ranges::minmax(values);
    CHECK(quantile(values, 0.0) == lowest);
    CHECK(quantile(values, 1.0) == highest);
    double before = lowest;
    for (const double q : {0.01, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999}) {
      const double at = quantile(values, q);
      CHECK(at >= before);
      CHECK(at <= highest);
      before = at;
    }
    CHECK(mean(values) >= lowest);
    CHECK(mean(values) <= highest);
    if (const auto interval = median_interval(values)) {
      CHECK(interval->low <= median(values));
      CHECK(interval->high >= median(values));
    }
  }
  CHECK(*standard_deviation(inputs[1]) == 0.0);
}

TEST_CASE("random series: order changes nothing, scaling scales, shifting shifts") {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Rng rng(seed);
    std::vector<double> values(1 + rng.below(60));
    for (double& value : values) value = std::floor(10.0 * rng.uniform());  // with ties
    std::vector<double> changed = values;
    rng.shuffle(std::span(changed));
    for (double& value : changed) value = 4.0 * value + 32.0;  // exact in binary
    for (const double q : {0.0, 0.25, 0.5, 1.0})
      CHECK(quantile(changed, q) == doctest::Approx(4.0 * quantile(values, q) + 32.0));
    const auto interval = median_interval(values);
    const auto moved = median_interval(changed);
    REQUIRE(interval.has_value() == moved.has_value());
    CHECK(interval.has_value() == (values.size() >= 6));
    if (interval) CHECK(moved->low == 4.0 * interval->low + 32.0);
  }
}

TEST_CASE("percentiles need as many samples as LoadGen asks for") {
  CHECK(samples_needed(0.90) == 64);
  CHECK(samples_needed(0.99) == 662);
  CHECK(samples_needed(0.999) == 6636);
}
