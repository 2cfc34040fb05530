#include "stats/chunks.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "stats/intervals.h"
#include "stats/simulation.h"

using namespace qb;
using namespace qb::stats;

TEST_CASE("chunks are equal parts in order, and too short a series has none") {
  std::vector<double> series(32);
  std::iota(series.begin(), series.end(), 0.0);
  const auto chunks = chunk_means(series);
  REQUIRE(chunks.size() == 16);
  for (size_t i = 0; i < 16; ++i) CHECK(chunks[i] == 2.0 * static_cast<double>(i) + 0.5);
  series.pop_back();
  CHECK(chunk_means(series).empty());
}

TEST_CASE("the interval of a series is that of the means of its eighths, or of its sixteenths") {
  for (const size_t count : {size_t{1022}, size_t{8192}}) {
    Rng rng(count);
    const auto series = draw_series(rng, 0.3, count);
    const size_t part_count = count < 4096 ? 8 : 16;
    std::vector<double> parts;
    for (size_t i = 0; i < part_count; ++i) {
      const size_t begin = i * count / part_count;
      const size_t end = (i + 1) * count / part_count;
      parts.push_back(mean(std::span(series).subspan(begin, end - begin)));
    }
    const auto wanted = mean_interval(parts);
    const auto interval = chunks_interval(chunk_means(series), mean(series), count);
    REQUIRE(interval);
    CHECK(interval->high - interval->low == doctest::Approx(wanted->high - wanted->low));
    CHECK((interval->low + interval->high) / 2.0 == doctest::Approx(mean(series)));
  }
}

TEST_CASE("a mean on its log stays positive, and chunks that tell nothing give no interval") {
  std::vector<double> chunks(16, 0.01);
  CHECK_FALSE(chunks_interval(chunks, 0.01, 1000));
  chunks[3] = 1.0;
  const auto interval = chunks_log_interval(chunks, mean(chunks), 1000);
  REQUIRE(interval);
  CHECK(interval->low > 0.0);
  CHECK(interval->high > mean(chunks));
  CHECK_FALSE(chunks_log_interval(chunks, 0.0, 1000));
  CHECK_FALSE(chunks_interval(std::span(chunks).first(15), 0.01, 1000));
}

TEST_CASE("shares of neighbours that stick together are worth fewer trials") {
  Rng rng(4);
  const auto worth = [&](double r) {
    double sum = 0.0;
    for (int i = 0; i < 50; ++i) {
      auto series = draw_series(rng, r, 1024);
      for (double& value : series) value = value < 0.5 ? 1.0 : 0.0;
      sum += effective_count(chunk_means(series), mean(series), series.size());
    }
    return sum / 50.0;
  };
  const double independent = worth(0.0);
  CHECK(independent < 1024 / 1.18);  // (t / 1.96)^2 for 15 degrees of freedom
  CHECK(independent > 500);
  CHECK(worth(0.7) < 0.6 * independent);
  CHECK(effective_count(std::vector<double>(16, 1.0), 1.0, 1024) ==
        doctest::Approx(1024 / std::pow(t_quantile(15) / 1.959963984540054, 2)));
}
