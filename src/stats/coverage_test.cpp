// How often each interval holds the truth where it is first printed: a short cut, with a fixed
// seed, of bench/interval_coverage.cpp.
#include <doctest/doctest.h>

#include <cmath>

#include "stats/chunks.h"
#include "stats/intervals.h"
#include "stats/simulation.h"

using namespace qb;
using namespace qb::stats;

namespace {

constexpr int repeat_count = 1500;  // one standard error of a coverage: 0.0056

// Share of the repeats whose interval holds the truth.
template <typename Draw>
double coverage(double truth, Draw&& draw_interval) {
  Rng rng(1);
  int held = 0;
  for (int i = 0; i < repeat_count; ++i) {
    const auto interval = draw_interval(rng);
    held += interval && interval->low <= truth && truth <= interval->high;
  }
  return held / static_cast<double>(repeat_count);
}

// Two and a half standard errors below 0.95. A percentile or BCa bootstrap of three to eight
// launches holds 0.73 to 0.89, Wald's share 0.83 at most where it is tried below.
constexpr double enough = 0.936;

}  // namespace

TEST_CASE("ratios of launches hold the truth from three pairs on") {
  for (const NoiseRow& row : noises)
    for (const size_t count : {3, 5, 8}) {
      CAPTURE(row.name);
      CAPTURE(count);
      CHECK(coverage(1.0, [&](Rng& rng) {
              auto ratios = draw_launches(rng, row.noise, 0.02, count);
              for (double& ratio : ratios) ratio /= draw_launch(rng, row.noise, 0.02);
              return geometric_mean_interval(ratios);
            }) >= enough);
    }
}

TEST_CASE("the median of launches holds the truth from three launches on") {
  for (const NoiseRow& row : noises)
    for (const size_t count : {3, 5, 8, 9, 12}) {
      CAPTURE(row.name);
      CAPTURE(count);
      CHECK(coverage(median_of(row.noise, 0.02), [&](Rng& rng) {
              return launches_interval(draw_launches(rng, row.noise, 0.02, count));
            }) >= enough);
    }
}

TEST_CASE("launches that stop when their interval is narrow hold it still") {
  for (const NoiseRow& row : noises) {
    CAPTURE(row.name);
    CHECK(coverage(median_of(row.noise, 0.03), [&](Rng& rng) {
            auto launches = draw_launches(rng, row.noise, 0.03, stopping_count_min);
            while (!may_stop(launches, 0.02) && launches.size() < 20)
              launches.push_back(draw_launch(rng, row.noise, 0.03));
            return launches_interval(launches);
          }) >= enough);
  }
}

TEST_CASE("shares hold the truth, independent or of a text's neighbours, also near 1") {
  for (const double share : {0.5, 0.75, 0.98}) {
    CAPTURE(share);
    const auto of_64_answers = [&](Rng& rng) {
      double right = 0.0;
      for (int i = 0; i < 64; ++i) right += rng.uniform() < share ? 1.0 : 0.0;
      return std::optional(wilson_interval(right / 64.0, 64.0));
    };
    CHECK(coverage(share, of_64_answers) >= 0.93);  // the grid of 64 answers makes it uneven
    CHECK(coverage(share, [&](Rng& rng) {
            // Tokens are right below that quantile of a series whose neighbours are alike.
            const double edge = share == 0.5 ? 0.0 : share == 0.75 ? 0.67449 : 2.05375;
            auto series = draw_series(rng, 0.3, 128);
            for (double& value : series) value = value < edge ? 1.0 : 0.0;
            const double found = mean(series);
            return std::optional(
                wilson_interval(found, effective_count(chunk_means(series), found, series.size())));
          }) >= enough);
  }
}

TEST_CASE("means over a text hold the truth from the lengths on that they are printed for") {
  CHECK(coverage(std::exp(0.32), [](Rng& rng) {  // likelihoods: skewed
          auto series = draw_series(rng, 0.3, 512);
          for (double& value : series) value = std::exp(0.8 * value);
          return chunks_interval(chunk_means(series), mean(series), series.size());
        }) >= 0.93);
  for (const double deviation : {1.0, 1.5})
    CHECK(
        coverage(std::exp(deviation * deviation / 2.0), [=](Rng& rng) {  // divergences: a long tail
          auto series = draw_series(rng, 0.3, 512);
          for (double& value : series) value = std::exp(deviation * value);
          return chunks_log_interval(chunk_means(series), mean(series), series.size());
        }) >= 0.945);
  CHECK(coverage(0.0, [](Rng& rng) {  // differences of two models on the same tokens
          auto series = draw_series(rng, 0.3, 256);
          for (double& value : series) value *= std::exp(0.8 * rng.normal());
          return chunks_interval(chunk_means(series), mean(series), series.size());
        }) >= enough);
}
