#include "compression/quality/retrieval.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "stats/stats.h"

using namespace qb;
using namespace qb::quality;

namespace {

// Points of the unit circle, by their angles in degrees.
std::vector<float> circle(const std::vector<double>& degrees) {
  std::vector<float> rows;
  for (const double degree : degrees) {
    rows.push_back(static_cast<float>(std::cos(degree * std::numbers::pi / 180.0)));
    rows.push_back(static_cast<float>(std::sin(degree * std::numbers::pi / 180.0)));
  }
  return rows;
}

}  // namespace

TEST_CASE("the same vectors find the same neighbours, whatever their lengths") {
  const std::vector<float> rows = circle({0, 10, 25, 45, 70});
  std::vector<float> longer = rows;
  for (float& value : longer) value *= 3.0f;
  const Retrieval same = compare_retrieval(rows, longer, 2);
  for (const double cosine : same.cosines) CHECK(cosine == doctest::Approx(1.0));
  CHECK(stats::mean(same.top1_agreements) == 1.0);
  CHECK(same.rank_correlation == doctest::Approx(1.0));
  CHECK_FALSE(same.top10_overlap);
}

TEST_CASE("a vector that turns changes who is nearest") {
  // The third moves from beyond the second to between the first and the second.
  const Retrieval found = compare_retrieval(circle({0, 10, 25, 60}), circle({0, 10, 4, 60}), 2);
  CHECK(found.cosines[2] == doctest::Approx(std::cos(21.0 * std::numbers::pi / 180.0)));
  CHECK(found.cosines[0] == doctest::Approx(1.0));
  // Nearest before: 1, 0, 1, 2; after: 2, 2, 0, 1.
  CHECK(found.top1_agreements == std::vector<double>{0.0, 0.0, 0.0, 0.0});
  // Orders of the others before and after: 123 and 213; 023 and 203; 103 and 013; 210 and 120.
  CHECK(found.rank_correlation == doctest::Approx(0.5));
}

TEST_CASE("vectors that are all the same find nothing") {
  const std::vector<float> rows = circle({0, 10, 25, 60});
  const Retrieval found = compare_retrieval(rows, circle({5, 5, 5, 5}), 2);
  CHECK(stats::mean(found.top1_agreements) == 0.0);
  CHECK(found.rank_correlation == doctest::Approx(0.0));
  const Retrieval zeros = compare_retrieval(rows, std::vector<float>(rows.size()), 2);
  CHECK(stats::mean(zeros.cosines) == 0.0);
  CHECK(stats::mean(zeros.top1_agreements) == 0.0);
}

TEST_CASE("of the ten nearest the share counts that both find") {
  std::vector<double> degrees;
  for (int i = 0; i < 30; ++i) degrees.push_back(i * i * 0.1);
  std::vector<double> moved = degrees;
  moved[0] = 80.0;  // it was among the nearest of the first, and is among those of the last now
  const Retrieval same = compare_retrieval(circle(degrees), circle(degrees), 2);
  REQUIRE(same.top10_overlap);
  CHECK(*same.top10_overlap == 1.0);
  const Retrieval found = compare_retrieval(circle(degrees), circle(moved), 2);
  // The first shares none; the other ten or so around each of its places share nine.
  CHECK(*found.top10_overlap < 0.97);
  CHECK(*found.top10_overlap > 0.85);
}
