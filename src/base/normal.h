// Box-Muller, of what IEEE 754 fixes alone (+, -, *, /, square roots, bits), so that the results
// are the same everywhere: those of C libraries differ in the last bit. Errors of logarithm and
// cosine are below 1e-15. Without branches and conversions of long integers: loops over these
// functions become vector instructions.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace qb {

// Of an integer below 2^52, by way of 2^52 + x.
inline double small_to_double(uint64_t x) {
  return std::bit_cast<double>(x | 0x4330000000000000u) - 0x1p52;
}

// The upper 53 bits, in [0, 1).
inline double uniform_of(uint64_t bits) {
  const double high = small_to_double(bits >> 43);
  const double low = small_to_double((bits >> 11) & 0xffffffffu);
  return (high * 0x1p32 + low) * 0x1p-53;
}

// Of a normal x > 0. 2 atanh(t) = 2 (t + t^3 / 3 + t^5 / 5 + ...) with
// x = (1 + t) / (1 - t) 2^exponent, |t| < 0.172.
inline double natural_log(double x) {
  const auto bits = std::bit_cast<uint64_t>(x);
  const auto half_to_one =
      std::bit_cast<double>((bits & 0x000fffffffffffffu) | 0x3fe0000000000000u);
  const bool is_small = half_to_one < 0.5 * std::numbers::sqrt2;
  const double mantissa = is_small ? half_to_one * 2.0 : half_to_one;
  const double exponent = small_to_double(bits >> 52) - (is_small ? 1023.0 : 1022.0);
  const double t = (mantissa - 1.0) / (mantissa + 1.0);
  double sum = 0.0;
  for (int i = 21; i >= 3; i -= 2) sum = (sum + 1.0 / i) * (t * t);
  return 2.0 * t + (2.0 * t * sum + exponent * std::numbers::ln2);
}

// 1 - x / (first (first + 1)) (1 - x / ((first + 2) (first + 3)) (1 - ...)), of x up to (pi / 4)^2.
inline double alternating_series(double x, int first) {
  double sum = 1.0;
  for (int i = first + 16; i >= first; i -= 2) sum = 1.0 - sum * x * (1.0 / (i * (i + 1)));
  return sum;
}

// cos(2 pi turns) of turns in [0, 1), by the nearest of the axes.
inline double cosine_of_turns(double turns) {
  const double part = turns > 0.5 ? 1.0 - turns : turns;
  const double from_axis = part > 0.25 ? 0.5 - part : part;
  const double sign = part > 0.25 ? -1.0 : 1.0;
  const bool is_near = from_axis <= 0.125;
  const double angle = 2.0 * std::numbers::pi * (is_near ? from_axis : 0.25 - from_axis);
  const double square = angle * angle;
  const double near = alternating_series(square, 1);
  const double far = angle * alternating_series(square, 2);
  return sign * (is_near ? near : far);
}

// Standard normal, of two random words.
inline double normal_of(uint64_t first, uint64_t second) {
  const double u = 1.0 - uniform_of(first);
  return std::sqrt(-2.0 * natural_log(u)) * cosine_of_turns(uniform_of(second));
}

}  // namespace qb
