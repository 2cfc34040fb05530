#include "base/small_float.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace qb {

uint8_t float_to_e4m3(float value) {
  const uint8_t sign = std::signbit(value) ? 0x80 : 0;
  if (std::isnan(value)) return sign | 0x7f;
  const float size = std::fabs(value);
  if (size >= e4m3_max) return sign | 0x7e;
  const int exponent = size < 0x1p-6f ? -6 : std::ilogb(size);  // subnormals share the lowest
  const auto steps = static_cast<int>(std::nearbyint(std::ldexp(size, 3 - exponent)));
  return sign | static_cast<uint8_t>((exponent + 6) * 8 + steps);
}

float e4m3_to_float(uint8_t bits) {
  const int exponent = (bits >> 3) & 15;
  const int mantissa = bits & 7;
  const float size = (bits & 0x7f) == 0x7f ? std::numeric_limits<float>::quiet_NaN()
                     : exponent == 0       ? std::ldexp(static_cast<float>(mantissa), -9)
                                     : std::ldexp(static_cast<float>(8 + mantissa), exponent - 10);
  return bits & 0x80 ? -size : size;
}

uint8_t float_to_e2m1(float value) {
  constexpr float halfway[] = {0.25f, 0.75f, 1.25f, 1.75f, 2.5f, 3.5f, 5.0f};
  const float size = std::fabs(value);
  uint8_t code = 0;
  for (const float border : halfway) code = static_cast<uint8_t>(code + (size > border));
  return code == 0 || !std::signbit(value) ? code : code | 8;
}

float e2m1_to_float(uint8_t bits) {
  constexpr float sizes[] = {0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f};
  return bits & 8 ? -sizes[bits & 7] : sizes[bits & 7];
}

uint8_t float_to_e8m0(float value) {
  if (std::isnan(value)) return 255;
  if (value == 0.0f) return e8m0_bias;
  int exponent = 0;
  const float mantissa = std::frexp(value, &exponent);  // in [0.5, 1)
  const int power = mantissa == 0.5f ? exponent - 1 : exponent;
  return static_cast<uint8_t>(std::clamp(power, -e8m0_bias, e8m0_bias) + e8m0_bias);
}

float e8m0_to_float(uint8_t bits) {
  return bits == 255 ? std::numeric_limits<float>::quiet_NaN() : std::ldexp(1.0f, bits - e8m0_bias);
}

}  // namespace qb
