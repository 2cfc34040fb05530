// The shapes to which weights are padded for PyTorch's weight-only kernels: what these check, or
// take for granted.
#pragma once

#include <cstdint>

namespace qb::pytorch {

struct WeightShape {
  int64_t row_count = 0;
  int64_t column_count = 0;
};

constexpr int64_t round_up(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// _weight_int4pack_mm_for_cpu.
constexpr WeightShape int4_shape_on_cpu(WeightShape w) {
  return {round_up(w.row_count, 16), w.column_count};
}

// _dyn_quant_matmul_4bit.
constexpr WeightShape dynamic_int4_shape(WeightShape w) {
  return {w.row_count, round_up(w.column_count, 32)};
}

// _weight_int4pack_mm on Metal: tiles of 8 rows and of (16 x inner tiles) columns. What is packed
// is allocated in whole tiles, but written for each code: a part of a tile would be written out of
// bounds. With 2 inner tiles, the fewest, these are 32 columns, which all groups are multiples of.
constexpr int64_t metal_inner_tiles = 2;
constexpr WeightShape int4_shape_on_metal(WeightShape w) {
  return {round_up(w.row_count, 8), round_up(w.column_count, 16 * metal_inner_tiles)};
}

// _weight_int8pack_mm: vectors of up to 32 columns; Metal's also takes 32 rows at a time.
constexpr WeightShape int8_shape_on_cpu(WeightShape w) {
  return {w.row_count, round_up(w.column_count, 32)};
}
constexpr WeightShape int8_shape_on_metal(WeightShape w) {
  return {round_up(w.row_count, 32), round_up(w.column_count, 32)};
}

}  // namespace qb::pytorch
