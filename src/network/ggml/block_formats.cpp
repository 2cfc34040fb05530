#include "network/ggml/block_formats.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "base/float16.h"
#include "network/ggml/block_layouts.h"

namespace qb::ggml {
namespace {

constexpr BlockRow rows[] = {
    {BlockFormat::q4_0, "q4_0", 32, 18, 32, -8, 7},
    {BlockFormat::q4_1, "q4_1", 32, 20, 32, 0, 15},
    {BlockFormat::q5_0, "q5_0", 32, 22, 32, -16, 15},
    {BlockFormat::q5_1, "q5_1", 32, 24, 32, 0, 31},
    {BlockFormat::q8_0, "q8_0", 32, 34, 32, -128, 127},
    {BlockFormat::q2_k, "q2_k", 256, 84, 16, 0, 3},
    {BlockFormat::q3_k, "q3_k", 256, 110, 16, -4, 3},
    {BlockFormat::q4_k, "q4_k", 256, 144, 32, 0, 15},
    {BlockFormat::q5_k, "q5_k", 256, 176, 32, 0, 31},
    {BlockFormat::q6_k, "q6_k", 256, 210, 16, -32, 31},
    {BlockFormat::iq4_nl, "iq4_nl", 32, 18, 32, -127, 113},
    {BlockFormat::iq4_xs, "iq4_xs", 256, 136, 32, -127, 113},
    {BlockFormat::mxfp4, "mxfp4", 32, 17, 32, -12, 12},
};
static_assert(std::size(rows) == static_cast<size_t>(BlockFormat::mxfp4) + 1);

// The values that the codes of IQ4_NL and IQ4_XS stand for, and those of E2M1 twice.
constexpr int8_t iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                   1,    13,   25,  38,  53,  69,  89,  113};
constexpr int8_t e2m1_values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

void split_nibbles(const uint8_t* bytes, int64_t count, int32_t offset, int8_t* codes) {
  for (int64_t i = 0; i < count; ++i) {
    codes[i] = static_cast<int8_t>((bytes[i] & 15) + offset);
    codes[i + count] = static_cast<int8_t>((bytes[i] >> 4) + offset);
  }
}

// The 6-bit scale and minimum of run i: the first four have bytes of their own, whose two top bits
// complete the nibbles of the last four.
void split_scale(const uint8_t* packed, int i, int& scale, int& minimum) {
  if (i < 4) {
    scale = packed[i] & 63;
    minimum = packed[i + 4] & 63;
  } else {
    scale = (packed[i + 4] & 15) | ((packed[i - 4] >> 6) << 4);
    minimum = (packed[i + 4] >> 4) | ((packed[i] >> 6) << 4);
  }
}

void look_up(const int8_t* values, std::span<int8_t> codes) {
  for (int8_t& code : codes) code = values[code];
}

void fill_runs(BlockParts& parts, float scale, float minimum) {
  parts.scales[0] = scale;
  parts.minimums[0] = minimum;
}

BlockParts split_q4_0(std::span<const std::byte> bytes) {
  const auto block = read<Q4_0>(bytes);
  BlockParts parts = {};
  split_nibbles(block.codes, 16, -8, parts.codes);
  fill_runs(parts, fp16_to_float(block.d), 0.0f);
  return parts;
}

BlockParts split_q4_1(std::span<const std::byte> bytes) {
  const auto block = read<Q4_1>(bytes);
  BlockParts parts = {};
  split_nibbles(block.codes, 16, 0, parts.codes);
  fill_runs(parts, fp16_to_float(block.d), fp16_to_float(block.m));
  return parts;
}

// Bit i of `bits` is worth 16 to weight i.
void add_fifth_bits(const uint8_t* bits, std::span<int8_t> codes) {
  for (size_t i = 0; i < codes.size(); ++i)
    codes[i] = static_cast<int8_t>(codes[i] + 16 * (bits[i / 8] >> (i % 8) & 1));
}

BlockParts split_q5_0(std::span<const std::byte> bytes) {
  const auto block = read<Q5_0>(bytes);
  BlockParts parts = {};
  split_nibbles(block.codes, 16, -16, parts.codes);
  add_fifth_bits(block.high, std::span(parts.codes).first(32));
  fill_runs(parts, fp16_to_float(block.d), 0.0f);
  return parts;
}

BlockParts split_q5_1(std::span<const std::byte> bytes) {
  const auto block = read<Q5_1>(bytes);
  BlockParts parts = {};
  split_nibbles(block.codes, 16, 0, parts.codes);
  add_fifth_bits(block.high, std::span(parts.codes).first(32));
  fill_runs(parts, fp16_to_float(block.d), fp16_to_float(block.m));
  return parts;
}

BlockParts split_q8_0(std::span<const std::byte> bytes) {
  const auto block = read<Q8_0>(bytes);
  BlockParts parts = {};
  std::ranges::copy(block.codes, parts.codes);
  fill_runs(parts, fp16_to_float(block.d), 0.0f);
  return parts;
}

// Two bits a weight: halves of 128, four quarters of 32 weights.
void split_pairs(const uint8_t* bytes, int8_t* codes) {
  for (int i = 0; i < 256; ++i)
    codes[i] = static_cast<int8_t>(bytes[i / 128 * 32 + i % 32] >> (2 * (i % 128 / 32)) & 3);
}

BlockParts split_q2_k(std::span<const std::byte> bytes) {
  const auto block = read<Q2_K>(bytes);
  BlockParts parts = {};
  const float d = fp16_to_float(block.d);
  const float dmin = fp16_to_float(block.dmin);
  for (int i = 0; i < 16; ++i) {
    parts.scales[i] = d * static_cast<float>(block.scales[i] & 15);
    parts.minimums[i] = -(dmin * static_cast<float>(block.scales[i] >> 4));
  }
  split_pairs(block.codes, parts.codes);
  return parts;
}

BlockParts split_q3_k(std::span<const std::byte> bytes) {
  const auto block = read<Q3_K>(bytes);
  BlockParts parts = {};
  const float d = fp16_to_float(block.d);
  for (int i = 0; i < 16; ++i) {  // 6 bits: low nibbles in two rows of 8, high pairs in four of 4
    const int low = block.scales[i % 8] >> (4 * (i / 8)) & 15;
    const int high = block.scales[8 + i % 4] >> (2 * (i / 4)) & 3;
    parts.scales[i] = d * static_cast<float>((low | high << 4) - 32);
  }
  split_pairs(block.codes, parts.codes);
  for (int i = 0; i < 256; ++i)
    if (!(block.high[i % 32] >> (i / 32) & 1))
      parts.codes[i] = static_cast<int8_t>(parts.codes[i] - 4);
  return parts;
}

// Scales and minimums of q4_k and q5_k.
void split_scales(const uint8_t* packed, uint16_t d_bits, uint16_t dmin_bits, BlockParts& parts) {
  const float d = fp16_to_float(d_bits);
  const float dmin = fp16_to_float(dmin_bits);
  for (int i = 0; i < 8; ++i) {
    int scale = 0;
    int minimum = 0;
    split_scale(packed, i, scale, minimum);
    parts.scales[i] = d * static_cast<float>(scale);
    parts.minimums[i] = -(dmin * static_cast<float>(minimum));
  }
}

BlockParts split_q4_k(std::span<const std::byte> bytes) {
  const auto block = read<Q4_K>(bytes);
  BlockParts parts = {};
  split_scales(block.scales, block.d, block.dmin, parts);
  for (size_t i = 0; i < 4; ++i) split_nibbles(block.codes + 32 * i, 32, 0, parts.codes + 64 * i);
  return parts;
}

BlockParts split_q5_k(std::span<const std::byte> bytes) {
  const auto block = read<Q5_K>(bytes);
  BlockParts parts = {};
  split_scales(block.scales, block.d, block.dmin, parts);
  for (size_t i = 0; i < 4; ++i) split_nibbles(block.codes + 32 * i, 32, 0, parts.codes + 64 * i);
  for (int i = 0; i < 256; ++i)
    parts.codes[i] =
        static_cast<int8_t>(parts.codes[i] + 16 * (block.high[i % 32] >> (i / 32) & 1));
  return parts;
}

BlockParts split_q6_k(std::span<const std::byte> bytes) {
  const auto block = read<Q6_K>(bytes);
  BlockParts parts = {};
  const float d = fp16_to_float(block.d);
  for (int i = 0; i < 16; ++i) parts.scales[i] = d * static_cast<float>(block.scales[i]);
  for (int i = 0; i < 256; ++i) {  // halves of 128: four quarters of 32 weights
    const int half = i / 128;
    const int quarter = i % 128 / 32;
    const int l = i % 32;
    const int low = block.low[64 * half + 32 * (quarter % 2) + l] >> (4 * (quarter / 2)) & 15;
    const int high = block.high[32 * half + l] >> (2 * quarter) & 3;
    parts.codes[i] = static_cast<int8_t>((low | high << 4) - 32);
  }
  return parts;
}

BlockParts split_iq4_nl(std::span<const std::byte> bytes) {
  const auto block = read<Iq4Nl>(bytes);
  BlockParts parts = {};
  split_nibbles(block.codes, 16, 0, parts.codes);
  look_up(iq4_values, std::span(parts.codes).first(32));
  fill_runs(parts, fp16_to_float(block.d), 0.0f);
  return parts;
}

BlockParts split_iq4_xs(std::span<const std::byte> bytes) {
  const auto block = read<Iq4Xs>(bytes);
  BlockParts parts = {};
  const float d = fp16_to_float(block.d);
  for (int i = 0; i < 8; ++i) {
    const int low = block.scales_low[i / 2] >> (4 * (i % 2)) & 15;
    const int high = block.scales_high >> (2 * i) & 3;
    parts.scales[i] = d * static_cast<float>((low | high << 4) - 32);
  }
  for (size_t i = 0; i < 8; ++i) split_nibbles(block.codes + 16 * i, 16, 0, parts.codes + 32 * i);
  look_up(iq4_values, parts.codes);
  return parts;
}

BlockParts split_mxfp4(std::span<const std::byte> bytes) {
  const auto block = read<Mxfp4>(bytes);
  BlockParts parts = {};
  split_nibbles(block.codes, 16, 0, parts.codes);
  look_up(e2m1_values, std::span(parts.codes).first(32));
  fill_runs(parts, std::ldexp(1.0f, block.exponent - 128), 0.0f);
  return parts;
}

}  // namespace

std::span<const BlockRow> block_formats() { return rows; }
const BlockRow& row_of(BlockFormat format) { return rows[static_cast<size_t>(format)]; }

BlockParts split_block(BlockFormat format, std::span<const std::byte> bytes) {
  constexpr BlockParts (*splits[])(std::span<const std::byte>) = {
      split_q4_0, split_q4_1, split_q5_0, split_q5_1,   split_q8_0,   split_q2_k, split_q3_k,
      split_q4_k, split_q5_k, split_q6_k, split_iq4_nl, split_iq4_xs, split_mxfp4};
  static_assert(std::size(splits) == std::size(rows));
  return splits[static_cast<size_t>(format)](bytes);
}

void decode(BlockFormat format, std::span<const std::byte> blocks, std::span<float> out) {
  const BlockRow& row = row_of(format);
  const auto length = static_cast<size_t>(row.length);
  const auto run = static_cast<size_t>(row.run);
  assert(blocks.size() * length == out.size() * static_cast<size_t>(row.bytes));
  for (size_t first = 0; first < out.size(); first += length) {
    const BlockParts parts = split_block(format, blocks);
    blocks = blocks.subspan(static_cast<size_t>(row.bytes));
    for (size_t i = 0; i < length; ++i)
      out[first + i] =
          parts.scales[i / run] * static_cast<float>(parts.codes[i]) + parts.minimums[i / run];
  }
}

}  // namespace qb::ggml
