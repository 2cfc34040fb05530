#include "compression/quant/quantize.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>

#include "base/parallel.h"
#include "compression/quant/group_loops.h"

namespace qb::quant {
namespace {

constexpr int64_t rows_at_once = 16;

void set_nibble(std::span<uint8_t> bytes, int64_t index, int32_t value) {
  uint8_t& byte = bytes[static_cast<size_t>(index / 2)];
  byte = static_cast<uint8_t>(index % 2 ? (byte & 15) | (value << 4) : (byte & 240) | value);
}

// The fits of one row of scales.
void store_fits(std::span<const GroupFit> fits, int64_t row, Packed& packed) {
  const PackedLayout& layout = packed.layout;
  float* scales = packed.scales.data() + row * layout.groups_per_row();
  for (const GroupFit& fit : fits) *scales++ = fit.scale;
  if (layout.symmetric) return;
  const auto zero_points = std::span(packed.zero_points)
                               .subspan(static_cast<size_t>(row * layout.zero_point_row_bytes()));
  for (size_t group = 0; group < fits.size(); ++group) {
    if (layout.bits == 4)
      set_nibble(zero_points, static_cast<int64_t>(group), fits[group].zero_point);
    else
      zero_points[group] = static_cast<uint8_t>(fits[group].zero_point);
  }
}

// One code a byte to stored bytes; row_bytes bytes are written. `codes` is readable one further.
[[gnu::always_inline]] inline void store_codes(const uint8_t* __restrict codes, int32_t bits,
                                               size_t row_bytes, uint8_t* __restrict row) {
  if (bits == 8) {
    std::copy_n(codes, row_bytes, row);
    return;
  }
  for (size_t i = 0; i < row_bytes; ++i)
    row[i] = static_cast<uint8_t>(codes[2 * i] | (codes[2 * i + 1] << 4));
}

size_t stored_row_length(const PackedLayout& layout) {
  return static_cast<size_t>(layout.groups_per_row() * layout.group_size);
}

// A row's groups one after another: fits, codes, padding.
void quantize_row(const float* values, const PackedLayout& layout, ScaleFit fit, GroupFit* fits,
                  uint8_t* codes) {
  const auto group_size = static_cast<size_t>(layout.group_size);
  const auto column_count = static_cast<size_t>(layout.column_count);
  size_t group = 0;
  for (size_t first = 0; first < column_count; first += group_size, ++group) {
    const size_t count = std::min(group_size, column_count - first);
    fits[group] = fit_in_range({values + first, count}, range_of(values + first, count),
                               layout.bits, layout.symmetric, fit);
    encode_values(values + first, count, fits[group], layout.bits, codes + first);
    for (size_t i = count; i < group_size; ++i)
      codes[first + i] = static_cast<uint8_t>(fits[group].zero_point);
  }
}

Packed empty_packed(const PackedLayout& layout) {
  return {.layout = layout,
          .codes = std::vector<uint8_t>(layout.code_bytes()),
          .scales = std::vector<float>(layout.scale_count()),
          .zero_points = std::vector<uint8_t>(layout.zero_point_bytes())};
}

Range range_of_all(std::span<const float> values, int64_t thread_count) {
  constexpr int64_t grain = 1 << 16;
  const auto count = static_cast<int64_t>(values.size());
  std::vector<Range> ranges(static_cast<size_t>((count + grain - 1) / grain));
  parallel_for(count, grain, thread_count, [&](int64_t first, int64_t last) {
    ranges[static_cast<size_t>(first / grain)] =
        range_of(values.data() + first, static_cast<size_t>(last - first));
  });
  Range all;
  for (const Range& range : ranges)
    all = {std::min(all.low, range.low), std::max(all.high, range.high)};
  return all;
}

bool all_storable(const float* values, size_t count) {
  uint32_t largest = 0;
  for (size_t i = 0; i < count; ++i)  // as integers, magnitudes sort as floats; NaN is above all
    largest = std::max(largest, std::bit_cast<uint32_t>(values[i]) & 0x7fffffffu);
  return largest <= std::bit_cast<uint32_t>(largest_weight);
}

}  // namespace

int64_t find_unstorable(std::span<const float> values, int64_t thread_count) {
  constexpr int64_t grain = 1 << 16;
  std::atomic<int64_t> first_bad = std::numeric_limits<int64_t>::max();
  parallel_for(static_cast<int64_t>(values.size()), grain, thread_count,
               [&](int64_t first, int64_t last) {
                 const auto part =
                     values.subspan(static_cast<size_t>(first), static_cast<size_t>(last - first));
                 if (all_storable(part.data(), part.size())) return;
                 const auto bad = std::ranges::find_if_not(
                     part, [](float value) { return std::fabs(value) <= largest_weight; });
                 const int64_t index = first + (bad - part.begin());
                 for (int64_t seen = first_bad;
                      index < seen && !first_bad.compare_exchange_weak(seen, index);) {
                 }
               });
  return first_bad == std::numeric_limits<int64_t>::max() ? -1 : first_bad.load();
}

PackedLayout layout_for(const Scheme& scheme, int64_t row_count, int64_t column_count) {
  assert(scheme.weight_type == WeightType::integer);
  const bool one_group =
      scheme.granularity != Granularity::group || column_count <= scheme.group_size;
  return {.row_count = row_count,
          .column_count = column_count,
          .bits = scheme.weight_bits,
          .group_size = one_group ? column_count : scheme.group_size,
          .symmetric = scheme.symmetric,
          .per_tensor = scheme.granularity == Granularity::tensor};
}

ScaleFit scale_fit_of(const Scheme& scheme) {
  return scheme.has(option_mse)   ? ScaleFit::mse
         : scheme.has(option_hqq) ? ScaleFit::hqq
                                  : ScaleFit::min_max;
}

GroupFit fit_group(std::span<const float> values, int32_t bits, bool symmetric, ScaleFit fit) {
  return fit_in_range(values, range_of(values.data(), values.size()), bits, symmetric, fit);
}

std::vector<GroupFit> fit_groups(std::span<const float> weights, const PackedLayout& layout,
                                 ScaleFit fit, int64_t thread_count) {
  if (layout.per_tensor)
    return {fit_in_range(weights, range_of_all(weights, thread_count), layout.bits,
                         layout.symmetric, fit)};
  const int64_t group_count = layout.groups_per_row();
  std::vector<GroupFit> fits(layout.scale_count());
  parallel_for(layout.row_count, rows_at_once, thread_count, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t group = 0; group < group_count; ++group) {
        const int64_t first = group * layout.group_size;
        const int64_t count = std::min(layout.group_size, layout.column_count - first);
        fits[static_cast<size_t>(row * group_count + group)] =
            fit_group(weights.subspan(static_cast<size_t>(row * layout.column_count + first),
                                      static_cast<size_t>(count)),
                      layout.bits, layout.symmetric, fit);
      }
  });
  return fits;
}

uint8_t nearest_code(float value, const GroupFit& fit, int32_t bits) {
  uint8_t code = 0;
  encode_values(&value, 1, fit, bits, &code);
  return code;
}

Packed pack(std::span<const uint8_t> codes, std::span<const GroupFit> fits,
            const PackedLayout& layout) {
  Packed packed = empty_packed(layout);
  const auto group_count = static_cast<size_t>(layout.groups_per_row());
  std::vector<uint8_t> row_codes(stored_row_length(layout) + 1);
  for (int64_t row = 0; row < layout.row_count; ++row) {
    const int64_t scale_row = layout.per_tensor ? 0 : row;
    const auto row_fits = fits.subspan(static_cast<size_t>(scale_row) * group_count, group_count);
    std::copy_n(codes.data() + row * layout.column_count, layout.column_count, row_codes.data());
    std::fill(row_codes.begin() + layout.column_count, row_codes.end() - 1,
              static_cast<uint8_t>(row_fits.back().zero_point));
    store_codes(row_codes.data(), layout.bits, static_cast<size_t>(layout.row_bytes()),
                packed.codes.data() + row * layout.row_bytes());
    store_fits(row_fits, scale_row, packed);
  }
  return packed;
}

Packed quantize(std::span<const float> weights, const PackedLayout& layout, ScaleFit fit,
                int64_t thread_count) {
  assert(weights.size() == static_cast<size_t>(layout.row_count * layout.column_count));
  Packed packed = empty_packed(layout);
  std::vector<GroupFit> tensor_fit;
  if (layout.per_tensor) {
    tensor_fit = fit_groups(weights, layout, fit, thread_count);
    store_fits(tensor_fit, 0, packed);
  }
  parallel_for(layout.row_count, rows_at_once, thread_count, [&](int64_t begin, int64_t end) {
    std::vector<uint8_t> codes(stored_row_length(layout) + 1);
    std::vector<GroupFit> fits(static_cast<size_t>(layout.groups_per_row()));
    for (int64_t row = begin; row < end; ++row) {
      const float* values = weights.data() + row * layout.column_count;
      if (layout.per_tensor)
        encode_values(values, static_cast<size_t>(layout.column_count), tensor_fit[0], layout.bits,
                      codes.data());
      else
        quantize_row(values, layout, fit, fits.data(), codes.data());
      store_codes(codes.data(), layout.bits, static_cast<size_t>(layout.row_bytes()),
                  packed.codes.data() + row * layout.row_bytes());
      if (!layout.per_tensor) store_fits(fits, row, packed);
    }
  });
  return packed;
}

}  // namespace qb::quant
