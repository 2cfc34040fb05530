#include "quant/quantize.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

namespace qb::quant {
namespace {

constexpr float smallest_scale = std::numeric_limits<float>::min();  // keeps 1 / scale finite

// Codes of one group, one a byte; the loop is plain so that the compiler vectorises it.
void encode_group(std::span<const float> values, const GroupFit& fit, int32_t bits,
                  std::span<uint8_t> codes) {
  const float inverse = 1.0f / fit.scale;
  const float offset = static_cast<float>(fit.zero_point) + 0.5f;
  const float top = static_cast<float>((1 << bits) - 1) + 0.5f;
  for (size_t i = 0; i < values.size(); ++i) {
    const float shifted = std::min(std::max(values[i] * inverse + offset, 0.0f), top);
    codes[i] = static_cast<uint8_t>(shifted);  // truncation after adding a half rounds
  }
}

void set_nibble(std::span<uint8_t> bytes, int64_t index, int32_t value) {
  uint8_t& byte = bytes[static_cast<size_t>(index / 2)];
  byte = static_cast<uint8_t>(index % 2 ? (byte & 15) | (value << 4) : (byte & 240) | value);
}

void store_codes(std::span<const uint8_t> codes, int32_t bits, std::span<uint8_t> row) {
  if (bits == 8) {
    std::ranges::copy(codes.first(row.size()), row.begin());
    return;
  }
  for (size_t i = 0; i < row.size(); ++i)
    row[i] = static_cast<uint8_t>(codes[2 * i] | (codes[2 * i + 1] << 4));
}

void store_zero_point(std::span<uint8_t> row, int64_t group, int32_t bits, int32_t value) {
  if (bits == 4)
    set_nibble(row, group, value);
  else
    row[static_cast<size_t>(group)] = static_cast<uint8_t>(value);
}

}  // namespace

PackedLayout layout_for(const Scheme& scheme, int64_t row_count, int64_t column_count) {
  assert(scheme.weight_type == WeightType::integer);
  const bool one_group =
      scheme.granularity == Granularity::channel || column_count <= scheme.group_size;
  return {.row_count = row_count,
          .column_count = column_count,
          .bits = scheme.weight_bits,
          .group_size = one_group ? column_count : scheme.group_size,
          .symmetric = scheme.symmetric};
}

GroupFit fit_group(std::span<const float> values, int32_t bits, bool symmetric) {
  float low = 0.0f;
  float high = 0.0f;
  for (const float value : values) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  const int32_t half = 1 << (bits - 1);
  if (low == high) return {1.0f, symmetric ? half : 0};
  if (symmetric) {
    const float scale = std::max(-low, high) / static_cast<float>(half - 1);
    return {std::max(scale, smallest_scale), half};
  }
  const auto top = static_cast<float>((1 << bits) - 1);
  const float scale = std::max(high / top - low / top, smallest_scale);
  const float zero_point = std::min(std::round(-low / scale), top);
  return {scale, static_cast<int32_t>(zero_point)};
}

Packed quantize(std::span<const float> weights, const PackedLayout& layout) {
  assert(weights.size() == static_cast<size_t>(layout.row_count * layout.column_count));
  const int64_t group_count = layout.groups_per_row();
  Packed packed = {.layout = layout,
                   .codes = std::vector<uint8_t>(layout.code_bytes()),
                   .scales = std::vector<float>(layout.scale_count()),
                   .zero_points = std::vector<uint8_t>(layout.zero_point_bytes())};
  std::vector<uint8_t> codes(static_cast<size_t>(group_count * layout.group_size + 1));
  for (int64_t row = 0; row < layout.row_count; ++row) {
    const auto values = weights.subspan(static_cast<size_t>(row * layout.column_count),
                                        static_cast<size_t>(layout.column_count));
    for (int64_t group = 0; group < group_count; ++group) {
      const auto first = static_cast<size_t>(group * layout.group_size);
      const size_t count = std::min(static_cast<size_t>(layout.group_size), values.size() - first);
      const GroupFit fit = fit_group(values.subspan(first, count), layout.bits, layout.symmetric);
      encode_group(values.subspan(first, count), fit, layout.bits,
                   std::span(codes).subspan(first, count));
      std::fill_n(codes.begin() + static_cast<int64_t>(first + count),
                  static_cast<size_t>(layout.group_size) - count,
                  static_cast<uint8_t>(fit.zero_point));
      packed.scales[static_cast<size_t>(row * group_count + group)] = fit.scale;
      if (!layout.symmetric)
        store_zero_point(std::span(packed.zero_points)
                             .subspan(static_cast<size_t>(row * layout.zero_point_row_bytes())),
                         group, layout.bits, fit.zero_point);
    }
    store_codes(codes, layout.bits,
                std::span(packed.codes)
                    .subspan(static_cast<size_t>(row * layout.row_bytes()),
                             static_cast<size_t>(layout.row_bytes())));
  }
  return packed;
}

}  // namespace qb::quant
