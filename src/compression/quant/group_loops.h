// The innermost loops of fitting and rounding one group, for this module's files.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>

#include "compression/quant/quantize.h"

namespace qb::quant {

inline constexpr float smallest_scale =
    std::numeric_limits<float>::min();  // keeps 1 / scale finite

// Sums and extremes are kept in lanes: the same order of operations on every machine, whatever the
// width of its vectors. (An extension that g++ and clang share.)
inline constexpr size_t lane_count = 8;
using Lanes = float __attribute__((vector_size(lane_count * sizeof(float))));

struct Range {
  float low = 0.0f;
  float high = 0.0f;
};

[[gnu::always_inline]] inline Lanes load(const float* values) {
  Lanes loaded;
  std::memcpy(&loaded, values, sizeof loaded);
  return loaded;
}

// Smallest and largest value, and 0.
[[gnu::always_inline]] inline Range range_of(const float* values, size_t count) {
  Lanes low = {};
  Lanes high = {};
  size_t i = 0;
  for (; i + lane_count <= count; i += lane_count) {
    const Lanes next = load(values + i);
    low = next < low ? next : low;
    high = next > high ? next : high;
  }
  Range range;
  for (; i < count; ++i) range = {std::min(range.low, values[i]), std::max(range.high, values[i])};
  for (size_t j = 0; j < lane_count; ++j)
    range = {std::min(range.low, low[j]), std::max(range.high, high[j])};
  return range;
}

[[gnu::always_inline]] inline GroupFit fit_range(Range range, int32_t bits, bool symmetric) {
  const int32_t half = 1 << (bits - 1);
  if (range.low == range.high) return {1.0f, symmetric ? half : 0};
  if (symmetric) {
    const float scale = std::max(-range.low, range.high) / static_cast<float>(half - 1);
    return {std::max(scale, smallest_scale), half};
  }
  const auto top = static_cast<float>((1 << bits) - 1);
  const float scale = std::max(range.high / top - range.low / top, smallest_scale);
  const float zero_point = std::min(std::floor(-range.low / scale + 0.5f), top);
  return {scale, static_cast<int32_t>(zero_point)};
}

[[gnu::always_inline]] inline void encode_values(const float* __restrict values, size_t count,
                                                 GroupFit fit, int32_t bits,
                                                 uint8_t* __restrict codes) {
  const float inverse = 1.0f / fit.scale;
  const float offset = static_cast<float>(fit.zero_point) + 0.5f;
  const float top = static_cast<float>((1 << bits) - 1) + 0.5f;
  for (size_t i = 0; i < count; ++i) {
    const float shifted = std::min(std::max(values[i] * inverse + offset, 0.0f), top);
    codes[i] = static_cast<uint8_t>(static_cast<int32_t>(shifted));  // truncates: rounded
  }
}

inline float decoded_value(uint8_t code, const GroupFit& fit) {
  return static_cast<float>(static_cast<int32_t>(code) - fit.zero_point) * fit.scale;
}

// The fit of values whose range is known; in scale_fit.cpp.
GroupFit search_fit(std::span<const float> values, Range range, int32_t bits, bool symmetric,
                    ScaleFit fit);

inline GroupFit fit_in_range(std::span<const float> values, Range range, int32_t bits,
                             bool symmetric, ScaleFit fit) {
  if (range.low == range.high || fit == ScaleFit::min_max) return fit_range(range, bits, symmetric);
  return search_fit(values, range, bits, symmetric, fit);
}

}  // namespace qb::quant
