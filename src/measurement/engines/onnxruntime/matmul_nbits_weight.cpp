#include "measurement/engines/onnxruntime/matmul_nbits_weight.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "compression/quant/unpacked_blocks.h"

namespace qb::ort {
namespace {

bool is_block_size(int64_t size) {
  return size >= 16 && size <= 256 && std::has_single_bit(static_cast<uint64_t>(size));
}

// The largest block that cuts the row without rest; 32, with padding, when none does.
int64_t block_for_row(int64_t column_count) {
  for (int64_t size = 256; size >= 16; size /= 2)
    if (column_count % size == 0) return size;
  return 32;
}

template <typename T>
std::span<T> keep_array(Lowering& l, int64_t count) {
  const std::span<std::byte> kept = l.keep(static_cast<size_t>(count) * sizeof(T));
  return {reinterpret_cast<T*>(kept.data()), static_cast<size_t>(count)};
}

void set_code(std::span<uint8_t> row, int64_t index, int32_t bits, int32_t code) {
  if (bits == 8) {
    row[static_cast<size_t>(index)] = static_cast<uint8_t>(code);
    return;
  }
  uint8_t& byte = row[static_cast<size_t>(index / 2)];
  byte = static_cast<uint8_t>(index % 2 ? (byte & 15) | (code << 4) : (byte & 240) | code);
}

// One scale and zero point a row, repeated for every block of it.
BlockedWeight repeat_over_blocks(Lowering& l, const quant::PackedView& packed) {
  const quant::PackedLayout& layout = packed.layout;
  BlockedWeight w = {.row_count = layout.row_count,
                     .column_count = layout.column_count,
                     .block_size = block_for_row(layout.column_count),
                     .bits = layout.bits};
  w.blocks_per_row = (layout.column_count + w.block_size - 1) / w.block_size;
  const auto scales = keep_array<float>(l, w.row_count * w.blocks_per_row);
  for (size_t i = 0; i < scales.size(); ++i)
    scales[i] = packed.scale(static_cast<int64_t>(i) / w.blocks_per_row, 0);
  w.scales = scales;
  if (!layout.symmetric) {
    const int64_t row_bytes = (w.blocks_per_row * w.bits + 7) / 8;
    const auto zero_points = keep_array<uint8_t>(l, w.row_count * row_bytes);
    for (int64_t row = 0; row < w.row_count; ++row)
      for (int64_t block = 0; block < w.blocks_per_row; ++block)
        set_code(zero_points.subspan(static_cast<size_t>(row * row_bytes)), block, w.bits,
                 packed.zero_point(row, 0));
    w.zero_points = zero_points;
  }
  if (layout.column_count % w.block_size == 0) {
    w.codes = packed.codes;
    return w;
  }
  const int64_t row_bytes = w.blocks_per_row * w.block_size * w.bits / 8;
  const auto codes = keep_array<uint8_t>(l, w.row_count * row_bytes);
  for (int64_t row = 0; row < w.row_count; ++row)
    for (int64_t column = 0; column < w.blocks_per_row * w.block_size; ++column)
      set_code(codes.subspan(static_cast<size_t>(row * row_bytes)), column, w.bits,
               column < layout.column_count ? packed.code(row, column) : packed.zero_point(row, 0));
  w.codes = codes;
  return w;
}

}  // namespace

BlockedWeight block_weight(Lowering& l, const quant::PackedView& packed) {
  const quant::PackedLayout& layout = packed.layout;
  const bool whole_blocks = layout.groups_per_row() > 1 || layout.column_count % 2 == 0;
  if (layout.per_tensor || !is_block_size(layout.group_size) || !whole_blocks)
    return repeat_over_blocks(l, packed);
  return {.row_count = layout.row_count,
          .column_count = layout.column_count,
          .block_size = layout.group_size,
          .blocks_per_row = layout.groups_per_row(),
          .bits = layout.bits,
          .codes = packed.codes,
          .scales = packed.scales,
          .zero_points = packed.zero_points,
          .minimums = packed.minimums};
}

BlockedWeight block_weight(Lowering& l, const bundle::Parameter& parameter) {
  if (parameter.encoding == bundle::Encoding::packed) return block_weight(l, parameter.packed);
  const int64_t row_count = parameter.shape[0];
  const int64_t column_count = static_cast<int64_t>(element_count(parameter.shape)) / row_count;
  const quant::UnpackedBlocks blocks =
      quant::unpack_blocks(parameter.block, parameter.bytes, row_count, column_count);
  const auto kept = [&]<typename T>(const std::vector<T>& values) {
    const auto copy = keep_array<T>(l, static_cast<int64_t>(values.size()));
    std::ranges::copy(values, copy.begin());
    return std::span<const T>(copy);
  };
  const quant::PackedLayout& layout = blocks.layout;
  return {.row_count = row_count,
          .column_count = column_count,
          .block_size = layout.group_size,
          .blocks_per_row = layout.groups_per_row(),
          .bits = layout.bits,
          .codes = kept(blocks.codes),
          .scales = kept(blocks.scales),
          .minimums = kept(blocks.minimums)};
}

TightWeight tighten(const quant::PackedView& packed, int64_t stored_column_count) {
  const quant::PackedLayout& layout = packed.layout;
  const int64_t group_count = layout.groups_per_row();
  const auto bytes_of = [&](int64_t count) {
    return static_cast<size_t>((count * layout.bits + 7) / 8);
  };
  TightWeight tight = {std::vector<uint8_t>(bytes_of(layout.row_count * stored_column_count)),
                       std::vector<uint8_t>(bytes_of(static_cast<int64_t>(layout.scale_count())))};
  for (int64_t row = 0; row < layout.row_count; ++row) {
    for (int64_t column = 0; column < stored_column_count; ++column)
      set_code(tight.codes, row * stored_column_count + column, layout.bits,
               packed.code(row, column));
    for (int64_t group = 0; group < group_count && row < layout.scale_row_count(); ++group)
      set_code(tight.zero_points, row * group_count + group, layout.bits,
               packed.zero_point(row, group));
  }
  return tight;
}

}  // namespace qb::ort
