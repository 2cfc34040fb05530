#include "stats/correlation.h"

#include <doctest/doctest.h>

#include <vector>

#include "stats/simulation.h"

using namespace qb;
using namespace qb::stats;

TEST_CASE("neighbours that depend on each other count for less") {
  Rng rng(5);
  const auto independent = draw_series(rng, 0.0, 400);
  const auto dependent = draw_series(rng, 0.8, 400);
  CHECK(effective_sample_size(independent) > 300);
  // n (1 - r) / (1 + r) = 44
  CHECK(effective_sample_size(dependent) < 90);
  CHECK(effective_sample_size(dependent) > 20);
  CHECK(autocorrelation(dependent, 1) == doctest::Approx(0.8).epsilon(0.1));
}

TEST_CASE("few values and constants have a size, and nothing divides by zero") {
  CHECK(effective_sample_size(std::vector<double>{5.0}) == 1.0);
  CHECK(effective_sample_size(std::vector<double>(50, 4.0)) == 50.0);
  CHECK(autocorrelation(std::vector<double>(50, 4.0), 1) == 0.0);
}
