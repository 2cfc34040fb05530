#include "stats/correlation.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "stats/ranks.h"
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

TEST_CASE("a rank correlation knows places only, and ties share theirs") {
  const std::vector<double> values = {1.0, 2.0, 3.0, 4.0};
  CHECK(rank_correlation(values, std::vector<double>{-9.0, 0.0, 0.1, 1e9}) == doctest::Approx(1.0));
  CHECK(rank_correlation(values, std::vector<double>{4.0, 3.0, 2.0, 1.0}) == doctest::Approx(-1.0));
  // Spearman's 1 - 6 sum d^2 / (n (n^2 - 1)), d = 1, 1, 0, 0.
  CHECK(rank_correlation(values, std::vector<double>{2.0, 1.0, 3.0, 4.0}) == doctest::Approx(0.8));
  // Ranks 1.5, 1.5, 3, 4 against 1, 2, 3, 4: 4.5 / sqrt(4.5 * 5).
  CHECK(rank_correlation(values, std::vector<double>{1.0, 1.0, 3.0, 4.0}) ==
        doctest::Approx(4.5 / std::sqrt(22.5)));
  CHECK(rank_correlation(values, std::vector<double>(4, 7.0)) == 0.0);
}
