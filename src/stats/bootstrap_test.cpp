#include "stats/bootstrap.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/rng.h"

using namespace qb;
using namespace qb::stats;

namespace {

std::vector<double> lognormal(size_t count, uint64_t seed) {
  Rng rng(seed);
  std::vector<double> values;
  for (size_t i = 0; i < count; ++i) values.push_back(std::exp(rng.normal()));
  return values;
}

// x(t) = r x(t - 1) + noise
std::vector<double> correlated(size_t count, double r, uint64_t seed) {
  Rng rng(seed);
  std::vector<double> series;
  double x = rng.normal() / std::sqrt(1.0 - r * r);
  for (size_t i = 0; i < count; ++i) series.push_back(10.0 + (x = r * x + rng.normal()));
  return series;
}

}  // namespace

TEST_CASE("the interval of a skewed mean holds the true mean about as often as it says") {
  const double truth = std::exp(0.5);
  int held = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const auto interval =
        bca_interval(lognormal(40, seed), mean, {.resample_count = 999, .seed = seed});
    REQUIRE(interval);
    held += interval->low <= truth && truth <= interval->high;
  }
  CHECK(held >= 170);  // 95 % in the limit; skewed samples of 40 fall a little short
  CHECK(held <= 198);
}

TEST_CASE("the same input gives the same interval, another seed nearly the same") {
  const auto values = lognormal(30, 3);
  const auto first = bca_interval(values, mean);
  const auto again = bca_interval(values, mean);
  const auto other = bca_interval(values, mean, {.seed = 2});
  CHECK(first->low == again->low);
  CHECK(first->high == again->high);
  CHECK(first->low == doctest::Approx(other->low).epsilon(0.05));
}

TEST_CASE("too few values or constants have no interval, and nothing divides by zero") {
  CHECK_FALSE(bca_interval(std::vector<double>{1.0, 2.0}, mean));
  CHECK_FALSE(bca_interval(std::vector<double>(10, 4.0), mean));
  CHECK_FALSE(block_bootstrap_interval(std::vector<double>(7, 4.0), mean));
  CHECK(effective_sample_size(std::vector<double>{5.0}) == 1.0);
  CHECK(effective_sample_size(std::vector<double>(50, 4.0)) == 50.0);
  CHECK(autocorrelation(std::vector<double>(50, 4.0), 1) == 0.0);
  const auto tied = bca_interval(std::vector<double>{1, 1, 1, 2, 2, 2, 2}, median);
  if (tied) CHECK(tied->low <= tied->high);
}

TEST_CASE("neighbours that depend on each other count for less, and widen the interval") {
  const auto independent = correlated(400, 0.0, 5);
  const auto dependent = correlated(400, 0.8, 5);
  CHECK(effective_sample_size(independent) > 300);
  // n (1 - r) / (1 + r) = 44
  CHECK(effective_sample_size(dependent) < 90);
  CHECK(effective_sample_size(dependent) > 20);
  CHECK(autocorrelation(dependent, 1) == doctest::Approx(0.8).epsilon(0.1));
  int plain_held = 0;
  int block_held = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const auto series = correlated(200, 0.7, seed);
    const auto plain = bca_interval(series, mean, {.resample_count = 499, .seed = seed});
    const auto block =
        block_bootstrap_interval(series, mean, {.resample_count = 499, .seed = seed});
    plain_held += plain->low <= 10.0 && 10.0 <= plain->high;
    block_held += block->low <= 10.0 && 10.0 <= block->high;
  }
  CHECK(plain_held < 75);
  CHECK(block_held >= 82);
}
