#include "stats/intervals.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "stats/simulation.h"

using namespace qb;
using namespace qb::stats;

TEST_CASE("Student's quantiles are those of its tables") {
  CHECK(t_quantile(2) == doctest::Approx(4.302652729749464));
  CHECK(t_quantile(4) == doctest::Approx(2.7764451051977934));
  CHECK(t_quantile(9, 0.99) == doctest::Approx(3.2498355415921263));
}

TEST_CASE("a mean's interval is Student's, from three values on") {
  CHECK_FALSE(mean_interval(std::vector<double>{1.0, 2.0}));
  CHECK_FALSE(mean_interval(std::vector<double>{2.0, 2.0, 2.0}));
  const auto interval = mean_interval(std::vector<double>{1.0, 2.0, 3.0});
  REQUIRE(interval);
  CHECK(interval->low == doctest::Approx(2.0 - 4.302652729749464 / std::sqrt(3.0)));
  CHECK(interval->high == doctest::Approx(2.0 + 4.302652729749464 / std::sqrt(3.0)));
}

TEST_CASE("a ratio and its reciprocal have reciprocal intervals around their geometric mean") {
  const std::vector<double> ratios = {1.1, 1.3, 0.9, 1.2};
  std::vector<double> reciprocals;
  for (const double ratio : ratios) reciprocals.push_back(1.0 / ratio);
  const auto interval = geometric_mean_interval(ratios);
  const auto other = geometric_mean_interval(reciprocals);
  CHECK(geometric_mean(std::vector<double>{1.0, 4.0}) == doctest::Approx(2.0));
  CHECK(interval->low == doctest::Approx(1.0 / other->high));
  CHECK(interval->low < geometric_mean(ratios));
  CHECK(interval->high > geometric_mean(ratios));
  CHECK_FALSE(geometric_mean_interval(std::vector<double>{1.0, 0.0, 2.0}));
  CHECK_FALSE(geometric_mean_interval(std::vector<double>{1.0, -1.0, 2.0}));
}

TEST_CASE("the median of launches always lies in its interval, which is there from three on") {
  Rng rng(11);
  for (int i = 0; i < 3000; ++i) {
    const size_t count = 1 + rng.below(14);
    // From all but alike to half a million times apart: the median must not fall out.
    const double spread = std::exp(8.0 * rng.uniform() - 4.0);
    std::vector<double> values(count);
    for (double& value : values)
      value = std::exp(spread * (i % 2 ? rng.normal() : (rng.uniform() < 0.5 ? -1.0 : 1.0)));
    const auto interval = launches_interval(values);
    CAPTURE(count);
    if (count < 3) CHECK_FALSE(interval);
    if (count >= 3 && i % 2) REQUIRE(interval);
    if (!interval) continue;
    CHECK(interval->low <= median(values));
    CHECK(interval->high >= median(values));
  }
}

TEST_CASE("launches end when their interval is narrow twice, and not before the eleventh") {
  std::vector<double> calm;
  for (int i = 0; i < 11; ++i) calm.push_back(100.0 + 0.1 * (i % 3));
  CHECK(may_stop(calm, 0.02));
  CHECK_FALSE(may_stop(std::span(calm).first(10), 0.02));
  CHECK_FALSE(may_stop(calm, 1e-6));
  // Wide without the newest launch, narrow with it.
  const std::vector<double> turned = {90, 90, 100, 100, 100, 100, 100, 100, 100, 110, 110, 100};
  REQUIRE(*relative_half_width(turned) <= 0.02);
  REQUIRE(*relative_half_width(std::span(turned).first(11)) > 0.02);
  CHECK_FALSE(may_stop(turned, 0.02));
}

TEST_CASE("a share's interval stays within 0 and 1, also when all or none are right") {
  // statsmodels.stats.proportion.proportion_confint(156, 156, method="wilson")
  const Interval all = wilson_interval(1.0, 156);
  CHECK(all.low == doctest::Approx(0.9759667));
  CHECK(all.high == 1.0);
  const Interval none = wilson_interval(0.0, 156);
  CHECK(none.low == 0.0);
  CHECK(none.high == doctest::Approx(1.0 - 0.9759667));
  const Interval nearly = wilson_interval(155.0 / 156.0, 156);
  CHECK(nearly.low < 155.0 / 156.0);
  CHECK(nearly.high < 1.0);
  CHECK(wilson_interval(0.75, 100).high - wilson_interval(0.75, 100).low <
        wilson_interval(0.75, 50).high - wilson_interval(0.75, 50).low);
}
