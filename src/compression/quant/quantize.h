// Integer quantization of a weight into the packed layout: scales fitted, codes rounded to nearest.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "compression/quant/packed.h"
#include "compression/quant/scheme.h"

namespace qb::quant {

// The largest magnitude that quantizes: twice as much may decode to infinity, since a scale is
// rounded.
inline constexpr float largest_weight = std::numeric_limits<float>::max() / 2;

// The index of the first value that is beyond largest_weight or not a number; -1: none is.
int64_t find_unstorable(std::span<const float> values, int64_t thread_count);

// The layout that `scheme` (integer) gives a weight of row_count x column_count. A row no longer
// than the scheme's group is one group.
PackedLayout layout_for(const Scheme& scheme, int64_t row_count, int64_t column_count);

// Scale and zero point of one group: weight ≈ (code - zero_point) * scale.
struct GroupFit {
  float scale = 1.0f;
  int32_t zero_point = 0;
};

enum class ScaleFit : uint8_t {
  // The range of the values, widened to contain 0 so that 0 is exact (Jacob et al. 2018, eq. 1).
  // Symmetric: scale = max |value| / (2^(bits-1) - 1).
  min_max,
  // Of 48 shrunken ranges, from the whole down to 40 % of it, the one of least squared error.
  mse,
  // Half-quadratic splitting (Badri and Shaji 2023): alternately, the outliers of the error are
  // set aside (the proximal operator of |e|^0.7) and scale and zero point are fitted to the rest
  // by least squares; the fit of least sum |e|^0.7 is kept. HQQ fits a real zero point to a fixed
  // scale; here zero points are integers, and the scale may move by 4 % instead.
  hqq,
};
ScaleFit scale_fit_of(const Scheme& scheme);

// |values| <= largest_weight. The results of all functions here depend on values and layout only,
// not on the number of threads; min_max and mse give the same bits on every machine, hqq, which
// takes powers, those of the machine's C library.
GroupFit fit_group(std::span<const float> values, int32_t bits, bool symmetric,
                   ScaleFit fit = ScaleFit::min_max);

// One fit for each scale of the layout, in the order of the scales. `weights` is row-major.
std::vector<GroupFit> fit_groups(std::span<const float> weights, const PackedLayout& layout,
                                 ScaleFit fit, int64_t thread_count);

// The code of a value: the nearest in range, halves away from the range's bottom.
uint8_t nearest_code(float value, const GroupFit& fit, int32_t bits);

// Codes [row_count, column_count], one a byte, and their fits as stored bits.
Packed pack(std::span<const uint8_t> codes, std::span<const GroupFit> fits,
            const PackedLayout& layout);

Packed quantize(std::span<const float> weights, const PackedLayout& layout,
                ScaleFit fit = ScaleFit::min_max, int64_t thread_count = 1);

}  // namespace qb::quant
