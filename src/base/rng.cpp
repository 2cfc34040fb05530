#include "base/rng.h"

#include <xxhash.h>

#include <cmath>
#include <numbers>

namespace qb {
namespace {

// Logarithm and cosine of what IEEE 754 fixes alone (+, -, *, /, scaling by powers of two), so that
// the bits are the same everywhere: those of C libraries differ in the last. Errors are below
// 1e-15.

// 2 atanh(t) = 2 (t + t^3 / 3 + t^5 / 5 + ...) with x = (1 + t) / (1 - t) 2^exponent, |t| < 0.172.
double natural_log(double x) {
  int exponent = 0;
  double mantissa = std::frexp(x, &exponent);  // in [0.5, 1)
  if (mantissa < 0.5 * std::numbers::sqrt2) {
    mantissa *= 2.0;
    --exponent;
  }
  const double t = (mantissa - 1.0) / (mantissa + 1.0);
  double sum = 0.0;
  for (int i = 21; i >= 3; i -= 2) sum = (sum + 1.0 / i) * (t * t);
  return 2.0 * t + (2.0 * t * sum + exponent * std::numbers::ln2);
}

// 1 - x / (first (first + 1)) (1 - x / ((first + 2) (first + 3)) (1 - ...)), of x up to (pi / 4)^2.
double alternating_series(double x, int first) {
  double sum = 1.0;
  for (int i = first + 16; i >= first; i -= 2) sum = 1.0 - sum * x * (1.0 / (i * (i + 1)));
  return sum;
}

// cos(2 pi turns), by the nearest of the axes.
double cosine_of_turns(double turns) {
  const double part = std::fabs(turns - std::nearbyint(turns));  // up to a half
  const double from_axis = part > 0.25 ? 0.5 - part : part;
  const double sign = part > 0.25 ? -1.0 : 1.0;
  if (from_axis <= 0.125) {
    const double angle = 2.0 * std::numbers::pi * from_axis;
    return sign * alternating_series(angle * angle, 1);
  }
  const double angle = 2.0 * std::numbers::pi * (0.25 - from_axis);
  return sign * angle * alternating_series(angle * angle, 2);
}

}  // namespace

// Box-Muller.
double Rng::normal() {
  const double u = 1.0 - uniform();
  return std::sqrt(-2.0 * natural_log(u)) * cosine_of_turns(uniform());
}

uint64_t derive_seed(uint64_t seed, std::string_view name) {
  return XXH3_64bits_withSeed(name.data(), name.size(), seed);
}

}  // namespace qb
