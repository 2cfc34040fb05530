#include "compression/compress/least_scales.h"

#include <algorithm>
#include <cmath>

namespace qb::compress {

std::vector<float> least_scales(std::span<const float> bias, float input_scale) {
  constexpr double units_max = 1 << 30;  // as much again is left for the products' sum
  std::vector<float> least;
  for (const float value : bias)
    least.push_back(static_cast<float>(std::fabs(static_cast<double>(value)) /
                                       (units_max * static_cast<double>(input_scale))));
  return least;
}

bool raise_scales(quant::Packed& packed, std::span<const float> weights,
                  std::span<const float> least) {
  const quant::PackedLayout& layout = packed.layout;
  std::vector<float> wanted(least.begin(), least.end());
  if (layout.per_tensor) std::ranges::fill(wanted, std::ranges::max(least));
  bool is_changed = false;
  for (int64_t row = 0; row < layout.row_count; ++row) {
    const auto at = static_cast<size_t>(row);
    if (packed.view().scale(row, 0) >= wanted[at]) continue;
    is_changed = true;
    const quant::GroupFit fit = {wanted[at], packed.view().zero_point(row, 0)};
    for (int64_t column = 0; column < layout.column_count; ++column)
      packed.codes[static_cast<size_t>(row * layout.row_bytes() + column)] = quant::nearest_code(
          weights[static_cast<size_t>(row * layout.column_count + column)], fit, layout.bits);
    if (!layout.per_tensor) packed.scales[at] = wanted[at];
  }
  if (is_changed && layout.per_tensor) packed.scales[0] = wanted[0];
  return is_changed;
}

}  // namespace qb::compress
