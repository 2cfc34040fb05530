#include "compression/quant/microscaling.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/parallel.h"

namespace qb::quant {
namespace {

constexpr float e4m3_max = 448.0f;
constexpr float e2m1_max = 6.0f;
constexpr float float_max = std::numeric_limits<float>::max() / 2;

constexpr MicroscalingRow rows[] = {
    {Microscaling::mxfp4, "mxfp4", 4, 32, float_max},
    {Microscaling::mxfp8, "mxfp8", 8, 32, float_max},
    {Microscaling::nvfp4, "nvfp4", 4, 16, e4m3_max* e2m1_max},
};

constexpr int e8m0_bias = 127;

// The smallest power of two that is no less than the value, so that nothing in the group is cut
// off. (The specification's own recipe rounds down, and cuts.)
uint8_t to_e8m0(float value) {
  if (value == 0.0f) return e8m0_bias;
  int exponent = 0;
  const float mantissa = std::frexp(value, &exponent);  // in [0.5, 1)
  const int power = mantissa == 0.5f ? exponent - 1 : exponent;
  return static_cast<uint8_t>(std::clamp(power, -e8m0_bias, e8m0_bias) + e8m0_bias);
}

float decode_scale(Microscaling format, uint8_t bits) {
  return format == Microscaling::nvfp4 ? from_e4m3(bits) : std::ldexp(1.0f, bits - e8m0_bias);
}

// The scale of a group, and its codes, one a byte.
uint8_t encode_group(const MicroscalingRow& row, std::span<const float> values, uint8_t* codes) {
  float largest = 0.0f;
  for (const float value : values) largest = std::max(largest, std::fabs(value));
  const float wanted = largest / (row.bits == 8 ? e4m3_max : e2m1_max);
  const uint8_t bits = row.format == Microscaling::nvfp4 ? to_e4m3(wanted) : to_e8m0(wanted);
  const float scale = decode_scale(row.format, bits);
  for (size_t i = 0; i < values.size(); ++i) {
    const float scaled = scale == 0.0f ? 0.0f : values[i] / scale;
    codes[i] = row.bits == 8 ? to_e4m3(scaled) : to_e2m1(scaled);
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

uint8_t to_e4m3(float value) {
  const uint8_t sign = std::signbit(value) ? 0x80 : 0;
  const float size = std::fabs(value);
  if (size >= e4m3_max) return sign | 0x7e;
  const int exponent = size < 0x1p-6f ? -6 : std::ilogb(size);  // subnormals share the lowest
  const auto steps = static_cast<int>(std::nearbyint(std::ldexp(size, 3 - exponent)));
  return sign | static_cast<uint8_t>((exponent + 6) * 8 + steps);
}

float from_e4m3(uint8_t bits) {
  const int exponent = (bits >> 3) & 15;
  const int mantissa = bits & 7;
  const float size = exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -9)
                                   : std::ldexp(static_cast<float>(8 + mantissa), exponent - 10);
  return bits & 0x80 ? -size : size;
}

uint8_t to_e2m1(float value) {
  constexpr float halfway[] = {0.25f, 0.75f, 1.25f, 1.75f, 2.5f, 3.5f, 5.0f};
  const float size = std::fabs(value);
  uint8_t code = 0;
  for (const float border : halfway) code = static_cast<uint8_t>(code + (size > border));
  return code == 0 || !std::signbit(value) ? code : code | 8;
}

float from_e2m1(uint8_t bits) {
  constexpr float sizes[] = {0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f};
  return bits & 8 ? -sizes[bits & 7] : sizes[bits & 7];
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
                              ? from_e4m3(weight.codes[code])
                              : from_e2m1(weight.codes[code / 2] >> (4 * (code % 2)) & 15);
      out[next] = value * decode_scale(layout.format, weight.scales[group]);
    }
  }
}

}  // namespace qb::quant
