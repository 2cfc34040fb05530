// Round-to-nearest quantization of a weight into the packed layout.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include "quant/packed.h"
#include "quant/scheme.h"

namespace qb::quant {

// The largest magnitude that quantizes: twice as much may decode to infinity, since a scale is
// rounded.
inline constexpr float largest_weight = std::numeric_limits<float>::max() / 2;

// The layout that `scheme` gives a weight of row_count x column_count. A row no longer than the
// scheme's group is one group.
PackedLayout layout_for(const Scheme& scheme, int64_t row_count, int64_t column_count);

// Scale and zero point of one group: weight ≈ (code - zero_point) * scale.
struct GroupFit {
  float scale = 1.0f;
  int32_t zero_point = 0;
};

// Min-max fit (Jacob et al. 2018, eq. 1): the range of the values, widened to contain 0 so that 0
// is exact. Symmetric: scale = max |value| / (2^(bits-1) - 1). |values| <= largest_weight.
GroupFit fit_group(std::span<const float> values, int32_t bits, bool symmetric);

// `weights` is row-major, layout.row_count * layout.column_count values of at most
// largest_weight. The result depends
// on the values only.
Packed quantize(std::span<const float> weights, const PackedLayout& layout);

}  // namespace qb::quant
