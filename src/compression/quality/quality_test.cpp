#include "compression/quality/quality.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

using namespace qb;
using namespace qb::quality;

TEST_CASE("negative log likelihood is that of the softmax, whatever the offset") {
  const std::vector<float> logits = {0.0f, std::log(3.0f)};  // probabilities 1/4 and 3/4
  CHECK(negative_log_likelihood(logits, 0) == doctest::Approx(std::log(4.0)));
  const std::vector<float> shifted = {1000.0f, 1000.0f};
  CHECK(negative_log_likelihood(shifted, 1) == doctest::Approx(std::log(2.0)));
}

TEST_CASE("top-k counts any label and skips padding") {
  const std::vector<float> logits = {0.1f, 0.9f, 0.5f, 0.3f};
  CHECK(argmax(logits) == 1);
  CHECK(in_top_k(logits, 1, std::vector<int64_t>{1, -1}));
  CHECK(in_top_k(logits, 2, std::vector<int64_t>{0, 2}));
  CHECK_FALSE(in_top_k(logits, 2, std::vector<int64_t>{0, 3}));
  CHECK_FALSE(in_top_k(logits, 4, std::vector<int64_t>{-1, 4}));
}

TEST_CASE("a row that ties for the top, or isn't finite, is never right") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<int64_t> every_label = {0, 1, 2, 3};
  const std::vector<std::vector<float>> rows = {
      {nan, nan, nan, nan},         {0.0f, 0.0f, 0.0f, 0.0f},
      {-3.0f, -3.0f, -3.0f, -3.0f}, {1.0f, 0.0f, nan, 0.5f},
      {2.0f, 1.0f, 2.0f, 0.0f},     {std::numeric_limits<float>::infinity(), 1.0f, 0.0f, 2.0f}};
  for (size_t i = 0; i < rows.size(); ++i) {
    CAPTURE(i);
    CHECK_FALSE(likeliest(rows[i]));
    CHECK_FALSE(in_top_k(rows[i], 1, every_label));
  }
  CHECK_FALSE(in_top_k(rows[0], 4, every_label));
  CHECK_FALSE(in_top_k(rows[1], 3, every_label));
  CHECK(in_top_k(rows[4], 2, std::vector<int64_t>{2}));  // among the two however they are ordered
  CHECK_FALSE(in_top_k(rows[4], 3, std::vector<int64_t>{3}));
  DivergenceAccumulator constant;
  REQUIRE(constant.add(rows[1], rows[1]));
  CHECK(constant.top1_agreement() == 0.0);
}

TEST_CASE("top-1 and the likeliest answer are one thing, ties or not") {
  for (int pattern = 0; pattern < 81; ++pattern) {
    std::vector<float> row;  // the pattern's digits
    for (int rest = pattern; row.size() < 4; rest /= 3) row.push_back(static_cast<float>(rest % 3));
    for (int64_t label = 0; label < 4; ++label)
      CHECK(in_top_k(row, 1, std::vector<int64_t>{label}) == (likeliest(row) == label));
  }
}

TEST_CASE("divergence of a row from itself is nothing, from another what the formula says") {
  const std::vector<float> p = {0.0f, std::log(3.0f)};
  const std::vector<float> q = {0.0f, 0.0f};
  DivergenceAccumulator same;
  REQUIRE(same.add(p, p));
  CHECK(same.kl_divergence() == 0.0);
  CHECK(same.top1_agreement() == 1.0);
  CHECK(same.logit_cosine() == doctest::Approx(1.0));
  CHECK(same.logit_max_abs_difference() == 0.0);
  DivergenceAccumulator other;
  REQUIRE(other.add(p, q));
  CHECK(other.kl_divergence() == doctest::Approx(0.25 * std::log(0.5) + 0.75 * std::log(1.5)));
  CHECK(other.top1_agreement() == 0.0);
  REQUIRE(other.add(p, p));
  CHECK(other.agreements()[0] == 0.0);
  CHECK(other.agreements()[1] == 1.0);
  CHECK(other.kl_divergence() == doctest::Approx(other.kl_divergences()[0] / 2.0));
  CHECK(other.logit_max_abs_difference() == doctest::Approx(std::log(3.0)));
}

TEST_CASE("logits that aren't finite are an error, never a figure") {
  const std::vector<float> good = {0.0f, 1.0f};
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const std::vector<float> spoilt = {bad, 1.0f};
    DivergenceAccumulator divergence;
    CHECK_FALSE(divergence.add(good, spoilt));
    CHECK_FALSE(divergence.add(spoilt, good));
  }
}
