#include "stats/stats.h"

#include <doctest/doctest.h>

#include <numeric>
#include <vector>

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

TEST_CASE("percentiles need as many samples as LoadGen asks for") {
  CHECK(samples_needed(0.90) == 64);
  CHECK(samples_needed(0.99) == 662);
  CHECK(samples_needed(0.999) == 6636);
}
