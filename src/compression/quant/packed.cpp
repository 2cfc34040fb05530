#include "compression/quant/packed.h"

#include <algorithm>
#include <cassert>

namespace qb::quant {
namespace {

int32_t nibble(std::span<const uint8_t> bytes, int64_t index) {
  const uint8_t byte = bytes[static_cast<size_t>(index / 2)];
  return index % 2 ? byte >> 4 : byte & 15;
}

}  // namespace

int32_t PackedView::code(int64_t row, int64_t column) const {
  const auto bytes = codes.subspan(static_cast<size_t>(row * layout.row_bytes()));
  return layout.bits == 4 ? nibble(bytes, column) : bytes[static_cast<size_t>(column)];
}

int32_t PackedView::zero_point(int64_t row, int64_t group) const {
  if (layout.has_minimums) return 0;
  if (layout.symmetric) return 1 << (layout.bits - 1);
  const int64_t scale_row = layout.per_tensor ? 0 : row;
  const auto bytes =
      zero_points.subspan(static_cast<size_t>(scale_row * layout.zero_point_row_bytes()));
  return layout.bits == 4 ? nibble(bytes, group) : bytes[static_cast<size_t>(group)];
}

void dequantize_rows(const PackedView& packed, int64_t first_row, std::span<float> out) {
  const PackedLayout& layout = packed.layout;
  const int64_t row_count = static_cast<int64_t>(out.size()) / layout.column_count;
  assert(static_cast<size_t>(row_count * layout.column_count) == out.size());
  float* next = out.data();
  for (int64_t row = first_row; row < first_row + row_count; ++row) {
    for (int64_t group = 0; group < layout.groups_per_row(); ++group) {
      const float scale = packed.scale(row, group);
      const float minimum = packed.minimum(row, group);
      const int32_t zero_point = packed.zero_point(row, group);
      const int64_t end = std::min((group + 1) * layout.group_size, layout.column_count);
      for (int64_t column = group * layout.group_size; column < end; ++column)
        *next++ = static_cast<float>(packed.code(row, column) - zero_point) * scale + minimum;
    }
  }
}

}  // namespace qb::quant
