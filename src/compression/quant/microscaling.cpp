#include "compression/quant/microscaling.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/parallel.h"
#include "base/small_float.h"

namespace qb::quant {
namespace {

constexpr float float_max = std::numeric_limits<float>::max() / 2;

constexpr MicroscalingRow rows[] = {
    {Microscaling::mxfp4, "mxfp4", 4, 32, float_max},
    {Microscaling::mxfp8, "mxfp8", 8, 32, float_max},
    {Microscaling::nvfp4, "nvfp4", 4, 16, e4m3_max* e2m1_max},
};

float decode_scale(Microscaling format, uint8_t bits) {
  return format == Microscaling::nvfp4 ? e4m3_to_float(bits) : e8m0_to_float(bits);
}

// The scale of a group, and its codes, one a byte.
uint8_t encode_group(const MicroscalingRow& row, std::span<const float> values, uint8_t* codes) {
  float largest = 0.0f;
  for (const float value : values) largest = std::max(largest, std::fabs(value));
  const float wanted = largest / (row.bits == 8 ? e4m3_max : e2m1_max);
  const uint8_t bits =
      row.format == Microscaling::nvfp4 ? float_to_e4m3(wanted) : float_to_e8m0(wanted);
  const float scale = decode_scale(row.format, bits);
  for (size_t i = 0; i < values.size(); ++i) {
    const float scaled = scale == 0.0f ? 0.0f : values[i] / scale;
    codes[i] = row.bits == 8 ? float_to_e4m3(scaled) : float_to_e2m1(scaled);
  }
  return bits;
}

}  // namespace

std::span<const MicroscalingRow> microscalings() { return rows; }
const MicroscalingRow& row_of(Microscaling format) { return rows[static_cast<size_t>(format)]; }

int64_t MicroscaledLayout::groups_per_row() const {
  const int64_t group_size = row_of(format).group_size;
  return (column_count + group_size - 1) / group_size;
}
int64_t MicroscaledLayout::stored_columns() const {
  return groups_per_row() * row_of(format).group_size;
}
size_t MicroscaledLayout::code_bytes() const {
  return static_cast<size_t>(row_count * stored_columns() * row_of(format).bits / 8);
}

Microscaled encode_microscaled(const MicroscaledLayout& layout, std::span<const float> values,
                               int64_t thread_count) {
  const MicroscalingRow& format = row_of(layout.format);
  Microscaled out = {layout, std::vector<uint8_t>(layout.code_bytes()),
                     std::vector<uint8_t>(layout.scale_bytes())};
  const int64_t groups = layout.groups_per_row();
  const auto group_bytes = static_cast<size_t>(format.group_size * format.bits / 8);
  const auto encode_row = [&](int64_t row) {
    for (int64_t group = 0; group < groups; ++group) {
      const int64_t start = group * format.group_size;
      const auto count = std::min(format.group_size, layout.column_count - start);
      uint8_t codes[32] = {};
      const auto index = static_cast<size_t>(row * groups + group);
      out.scales[index] =
          encode_group(format,
                       values.subspan(static_cast<size_t>(row * layout.column_count + start),
                                      static_cast<size_t>(count)),
                       codes);
      uint8_t* stored = out.codes.data() + index * group_bytes;
      for (size_t i = 0; i < group_bytes; ++i)
        stored[i] = format.bits == 8 ? codes[i]
                                     : static_cast<uint8_t>(codes[2 * i] | codes[2 * i + 1] << 4);
    }
  };
  parallel_for(layout.row_count, 64, thread_count, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) encode_row(row);
  });
  return out;
}

void decode_microscaled(const MicroscaledView& weight, std::span<float> out) {
  const MicroscaledLayout& layout = weight.layout;
  const MicroscalingRow& format = row_of(layout.format);
  const int64_t groups = layout.groups_per_row();
  size_t next = 0;
  for (int64_t row = 0; row < layout.row_count; ++row) {
    for (int64_t column = 0; column < layout.column_count; ++column, ++next) {
      const auto group = static_cast<size_t>(row * groups + column / format.group_size);
      const auto code = static_cast<size_t>(row * layout.stored_columns() + column);
      const float value = format.bits == 8
                              ? e4m3_to_float(weight.codes[code])
                              : e2m1_to_float(weight.codes[code / 2] >> (4 * (code % 2)) & 15);
      out[next] = value * decode_scale(layout.format, weight.scales[group]);
    }
  }
}

}  // namespace qb::quant
