// Made-up values with a known truth, to count how often intervals hold it: for tests and
// bench/interval_coverage.cpp.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <vector>

#include "base/rng.h"

namespace qb::stats {

enum class Noise { normal, lognormal, heavy_tailed, outliers };
struct NoiseRow {
  Noise noise;
  std::string_view name;
};
inline constexpr std::array<NoiseRow, 4> noises = {{{Noise::normal, "normal"},
                                                    {Noise::lognormal, "lognormal"},
                                                    {Noise::heavy_tailed, "t3"},
                                                    {Noise::outliers, "outliers"}}};

// One launch whose noise has that standard deviation, relative to 1; of heavy tails and outliers
// the scale of the core. Outliers: 5 % of the launches are slower by half. The median of each is
// median_of(noise, deviation).
inline double draw_launch(Rng& rng, Noise noise, double deviation) {
  switch (noise) {
    case Noise::normal:
      return std::max(1e-3, 1.0 + deviation * rng.normal());
    case Noise::lognormal:
      return std::exp(deviation * rng.normal());
    case Noise::heavy_tailed: {
      double squares = 0.0;
      for (int i = 0; i < 3; ++i) squares += std::pow(rng.normal(), 2);
      return std::exp(deviation * rng.normal() / std::sqrt(squares / 3.0));
    }
    case Noise::outliers: {
      const double core = std::exp(deviation * rng.normal());
      return rng.uniform() < 0.05 ? 1.5 * core : core;
    }
  }
  return 1.0;
}

inline std::vector<double> draw_launches(Rng& rng, Noise noise, double deviation, size_t count) {
  std::vector<double> values(count);
  for (double& value : values) value = draw_launch(rng, noise, deviation);
  return values;
}

// The value that half of the launches lie below: with outliers a little above 1.
inline double median_of(Noise noise, double deviation) {
  if (noise != Noise::outliers) return 1.0;
  const auto share_below = [deviation](double log) {
    const auto normal = [](double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); };
    return 0.95 * normal(log / deviation) + 0.05 * normal((log - std::log(1.5)) / deviation);
  };
  double low = -1.0;
  double high = 1.0;
  while (high - low > 1e-12) {
    const double middle = (low + high) / 2.0;
    (share_below(middle) < 0.5 ? low : high) = middle;
  }
  return std::exp(low);
}

// Standard normal values, each depending on the one before: x(t) = r x(t - 1) + noise.
inline std::vector<double> draw_series(Rng& rng, double r, size_t count) {
  std::vector<double> series(count);
  double x = rng.normal();
  for (double& value : series) {
    value = x;
    x = r * x + std::sqrt(1.0 - r * r) * rng.normal();
  }
  return series;
}

}  // namespace qb::stats
