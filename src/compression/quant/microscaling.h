// The microscaling formats: weights as floats of 4 or 8 bits, with a scale of 8 bits for each group
// of a row. mxfp4 and mxfp8 are those of the OCP Microscaling specification 1.0, nvfp4 is NVIDIA's
// without its optional scale of the whole tensor; encoded bit for bit as MLX does.
//
//   codes   row by row, a row padded to whole groups with zeros; two 4-bit codes a byte, low nibble
//           first: E2M1 (4 bits) or E4M3 (8 bits), the sign in the highest bit
//   scales  one byte a group: E8M0, a power of two (mxfp4, mxfp8), or E4M3 (nvfp4)
//
// weight = code * scale
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace qb::quant {

enum class Microscaling : uint8_t { mxfp4, mxfp8, nvfp4 };

struct MicroscalingRow {
  Microscaling format;
  std::string_view name;
  int32_t bits = 4;
  int64_t group_size = 32;
  float largest_weight = 0.0f;  // beyond it the scale can't follow

  double bits_per_weight() const { return bits + 8.0 / static_cast<double>(group_size); }
};
std::span<const MicroscalingRow> microscalings();
const MicroscalingRow& row_of(Microscaling format);

struct MicroscaledLayout {
  Microscaling format = Microscaling::mxfp4;
  int64_t row_count = 0;
  int64_t column_count = 0;

  int64_t groups_per_row() const;
  int64_t stored_columns() const;
  size_t code_bytes() const;
  size_t scale_bytes() const { return static_cast<size_t>(row_count * groups_per_row()); }
};

// Views into memory owned elsewhere.
struct MicroscaledView {
  MicroscaledLayout layout;
  std::span<const uint8_t> codes;
  std::span<const uint8_t> scales;
};

struct Microscaled {
  MicroscaledLayout layout;
  std::vector<uint8_t> codes;
  std::vector<uint8_t> scales;

  MicroscaledView view() const { return {layout, codes, scales}; }
};

// |values| are at most the format's largest_weight.
Microscaled encode_microscaled(const MicroscaledLayout& layout, std::span<const float> values,
                               int64_t thread_count = 1);
void decode_microscaled(const MicroscaledView& weight, std::span<float> out);

}  // namespace qb::quant
