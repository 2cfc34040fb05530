#include "compression/quant/packed.h"

#include <algorithm>
#include <cassert>

namespace qb::quant {
namespace {

int32_t code_at(std::span<const uint8_t> stream, int64_t index, int32_t bits) {
  const auto first_bit = static_cast<size_t>(index * bits);
  const size_t byte = first_bit / 8;
  const size_t shift = first_bit % 8;
  uint32_t found = static_cast<uint32_t>(stream[byte]) >> shift;
  if (shift + static_cast<size_t>(bits) > 8)
    found |= static_cast<uint32_t>(stream[byte + 1]) << (8 - shift);
  return static_cast<int32_t>(found & ((1u << bits) - 1u));
}

}  // namespace

void put_codes(std::span<const uint8_t> codes, int32_t bits, uint8_t* out) {
  for (size_t i = 0; i < codes.size(); ++i) {
    const size_t first_bit = i * static_cast<size_t>(bits);
    const uint32_t placed = static_cast<uint32_t>(codes[i]) << (first_bit % 8);
    uint8_t* byte = out + first_bit / 8;
    byte[0] = static_cast<uint8_t>(byte[0] | placed);
    if (placed > 255) byte[1] = static_cast<uint8_t>(byte[1] | placed >> 8);
  }
}

int32_t PackedView::code(int64_t row, int64_t column) const {
  const auto bytes = codes.subspan(static_cast<size_t>(row * layout.row_bytes()));
  return code_at(bytes, column, layout.bits);
}

int32_t PackedView::zero_point(int64_t row, int64_t group) const {
  if (layout.has_minimums) return 0;
  if (layout.symmetric) return 1 << (layout.bits - 1);
  const int64_t scale_row = layout.per_tensor ? 0 : row;
  const auto bytes =
      zero_points.subspan(static_cast<size_t>(scale_row * layout.zero_point_row_bytes()));
  return code_at(bytes, group, layout.bits);
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
