// The one storage layout of integer weights that every framework is fed from.
//
// A weight [out, ...] is a matrix of `row_count` rows of `column_count` weights (the trailing
// dimensions flattened). Each row is cut into groups of `group_size`; the last group of a row may
// be shorter and is padded in storage with the group's zero point, so that padding decodes to 0.
//
//   codes        unsigned, row by row; a row takes row_bytes() and is a little-endian stream of
//                `bits`-bit codes: two 4-bit codes a byte, low nibble first
//   scales       f32 [row_count, groups_per_row]; a single one when per_tensor
//   zero_points  codes of `bits` bits, as many as scales, each row such a stream, padded to a whole
//                byte; empty when symmetric: the zero point is then 2^(bits - 1)
//   minimums     f32, as many as scales, in place of zero points, which are then 0; only of weights
//                that another tool quantized, in groups that cut a row without rest
//
// weight = (code - zero_point) * scale + minimum
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace qb::quant {

// Whether codes of so many bits have a layout.
constexpr bool is_packable(int64_t bits) { return (bits >= 2 && bits <= 6) || bits == 8; }

// One row's codes into zeroed bytes.
void put_codes(std::span<const uint8_t> codes, int32_t bits, uint8_t* out);

struct PackedLayout {
  int64_t row_count = 0;
  int64_t column_count = 0;
  int32_t bits = 8;        // 4 or 8; of other tools also 2, 3, 5 and 6
  int64_t group_size = 0;  // column_count when one group spans the row (channel, or a short row)
  bool symmetric = false;
  bool per_tensor = false;  // one scale and zero point for all rows; group_size = column_count
  bool has_minimums = false;

  int64_t groups_per_row() const { return (column_count + group_size - 1) / group_size; }
  int64_t row_bytes() const {  // whole groups when there are several, whole bytes when there is one
    const int64_t stored = groups_per_row() == 1 ? column_count : groups_per_row() * group_size;
    return (stored * bits + 7) / 8;
  }
  int64_t zero_point_row_bytes() const { return (groups_per_row() * bits + 7) / 8; }
  int64_t scale_row_count() const { return per_tensor ? 1 : row_count; }
  size_t code_bytes() const { return static_cast<size_t>(row_count * row_bytes()); }
  size_t scale_count() const { return static_cast<size_t>(scale_row_count() * groups_per_row()); }
  size_t zero_point_bytes() const {
    const bool has_none = symmetric || has_minimums;
    return has_none ? 0 : static_cast<size_t>(scale_row_count() * zero_point_row_bytes());
  }
  size_t minimum_count() const { return has_minimums ? scale_count() : 0; }
  size_t total_bytes() const {
    return code_bytes() + (scale_count() + minimum_count()) * sizeof(float) + zero_point_bytes();
  }
};

// Views into memory owned elsewhere (the mapped bundle).
struct PackedView {
  PackedLayout layout;
  std::span<const uint8_t> codes;
  std::span<const float> scales;
  std::span<const uint8_t> zero_points;
  std::span<const float> minimums = {};

  int32_t code(int64_t row, int64_t column) const;
  float scale(int64_t row, int64_t group) const {
    const int64_t scale_row = layout.per_tensor ? 0 : row;
    return scales[static_cast<size_t>(scale_row * layout.groups_per_row() + group)];
  }
  int32_t zero_point(int64_t row, int64_t group) const;
  float minimum(int64_t row, int64_t group) const {  // 0 where there are zero points
    return layout.has_minimums
               ? minimums[static_cast<size_t>(row * layout.groups_per_row() + group)]
               : 0.0f;
  }
};

struct Packed {
  PackedLayout layout;
  std::vector<uint8_t> codes;
  std::vector<float> scales;
  std::vector<uint8_t> zero_points;
  std::vector<float> minimums = {};

  PackedView view() const { return {layout, codes, scales, zero_points, minimums}; }
};

// Weights of rows [first_row, first_row + out.size() / column_count) into out, row-major f32.
void dequantize_rows(const PackedView& packed, int64_t first_row, std::span<float> out);

}  // namespace qb::quant
