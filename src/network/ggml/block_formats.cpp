#include "network/ggml/block_formats.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/float16.h"

namespace qb::ggml {
namespace {

constexpr BlockRow rows[] = {
    {BlockFormat::q4_0, "q4_0", 32, 18, 32},   {BlockFormat::q4_1, "q4_1", 32, 20, 32},
    {BlockFormat::q8_0, "q8_0", 32, 34, 32},   {BlockFormat::q4_k, "q4_k", 256, 144, 32},
    {BlockFormat::q6_k, "q6_k", 256, 210, 16},
};

// The blocks as they lie in files, little-endian; fp16 as bits.
struct Q4_0 {
  uint16_t d;
  uint8_t codes[16];  // low nibbles: the first half of the block
};
struct Q4_1 {
  uint16_t d, m;
  uint8_t codes[16];
};
struct Q8_0 {
  uint16_t d;
  int8_t codes[32];
};
struct Q4_K {
  uint16_t d, dmin;
  uint8_t scales[12];  // 8 scales and 8 minimums of 6 bits
  uint8_t codes[128];  // of 64 weights each 32 bytes, low nibbles first
};
struct Q6_K {
  uint8_t low[128];  // low 4 bits
  uint8_t high[64];  // high 2 bits
  int8_t scales[16];
  uint16_t d;
};
static_assert(sizeof(Q4_0) == 18 && sizeof(Q4_1) == 20 && sizeof(Q8_0) == 34 &&
              sizeof(Q4_K) == 144 && sizeof(Q6_K) == 210);

template <typename Block>
Block read(std::span<const std::byte> bytes) {
  Block block;
  std::memcpy(&block, bytes.data(), sizeof block);
  return block;
}

template <typename Block>
void write(const Block& block, std::span<std::byte> bytes) {
  std::memcpy(bytes.data(), &block, sizeof block);
}

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

void join_scale(uint8_t* packed, int i, int scale, int minimum) {
  if (i < 4) {
    packed[i] = static_cast<uint8_t>(packed[i] | scale);
    packed[i + 4] = static_cast<uint8_t>(packed[i + 4] | minimum);
  } else {
    packed[i + 4] = static_cast<uint8_t>((scale & 15) | ((minimum & 15) << 4));
    packed[i - 4] = static_cast<uint8_t>(packed[i - 4] | ((scale >> 4) << 6));
    packed[i] = static_cast<uint8_t>(packed[i] | ((minimum >> 4) << 6));
  }
}

BlockParts split_q4_k(std::span<const std::byte> bytes) {
  const auto block = read<Q4_K>(bytes);
  BlockParts parts = {};
  const float d = fp16_to_float(block.d);
  const float dmin = fp16_to_float(block.dmin);
  for (int i = 0; i < 8; ++i) {
    int scale = 0;
    int minimum = 0;
    split_scale(block.scales, i, scale, minimum);
    parts.scales[i] = d * static_cast<float>(scale);
    parts.minimums[i] = -(dmin * static_cast<float>(minimum));
  }
  for (size_t i = 0; i < 4; ++i) split_nibbles(block.codes + 32 * i, 32, 0, parts.codes + 64 * i);
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

// The value of largest magnitude, the first of equal ones.
float extreme_of(std::span<const float> x) {
  float extreme = 0.0f;
  for (const float value : x)
    if (std::fabs(value) > std::fabs(extreme)) extreme = value;
  return extreme;
}

// 0 for a block whose scale is 0, or too small to divide by: fp16 makes it 0 anyway.
float inverse_of(float d) {
  return std::fabs(d) >= std::numeric_limits<float>::min() ? 1.0f / d : 0.0f;
}

void join_nibbles(const uint8_t* codes, int64_t count, uint8_t* bytes) {
  for (int64_t i = 0; i < count; ++i)
    bytes[i] = static_cast<uint8_t>(codes[i] | codes[i + count] << 4);
}

void encode_q4_0(std::span<const float> x, std::span<std::byte> out) {
  const float d = extreme_of(x) / -8.0f;
  const float inverse = inverse_of(d);
  uint8_t codes[32];
  for (size_t i = 0; i < 32; ++i)
    codes[i] =
        static_cast<uint8_t>(std::min(15, static_cast<int>(std::trunc(x[i] * inverse + 8.5f))));
  Q4_0 block = {float_to_fp16(d), {}};
  join_nibbles(codes, 16, block.codes);
  write(block, out);
}

void encode_q4_1(std::span<const float> x, std::span<std::byte> out) {
  const auto [low, high] = std::ranges::minmax(x);
  const float d = (high - low) / 15.0f;
  const float inverse = inverse_of(d);
  uint8_t codes[32];
  for (size_t i = 0; i < 32; ++i)
    codes[i] = static_cast<uint8_t>(
        std::min(15, static_cast<int>(std::trunc((x[i] - low) * inverse + 0.5f))));
  Q4_1 block = {float_to_fp16(d), float_to_fp16(low), {}};
  join_nibbles(codes, 16, block.codes);
  write(block, out);
}

void encode_q8_0(std::span<const float> x, std::span<std::byte> out) {
  const float d = std::fabs(extreme_of(x)) / 127.0f;
  const float inverse = inverse_of(d);
  Q8_0 block = {float_to_fp16(d), {}};
  for (size_t i = 0; i < 32; ++i) block.codes[i] = static_cast<int8_t>(std::round(x[i] * inverse));
  write(block, out);
}

uint8_t rounded_code(float value, int top) {
  return static_cast<uint8_t>(std::clamp(std::lround(value), 0L, static_cast<long>(top)));
}

void encode_q4_k(std::span<const float> x, std::span<std::byte> out) {
  float scales[8];
  float minimums[8];  // as stored: subtracted
  for (size_t run = 0; run < 8; ++run) {
    const auto [low, high] = std::ranges::minmax(x.subspan(run * 32, 32));
    minimums[run] = std::max(0.0f, -low);
    scales[run] = std::max(0.0f, (high + minimums[run]) / 15.0f);
  }
  Q4_K block = {float_to_fp16(*std::ranges::max_element(scales) / 63.0f),
                float_to_fp16(*std::ranges::max_element(minimums) / 63.0f),
                {},
                {}};
  const float inverse_d = inverse_of(fp16_to_float(block.d));
  const float inverse_dmin = inverse_of(fp16_to_float(block.dmin));
  for (int run = 0; run < 8; ++run)
    join_scale(block.scales, run, rounded_code(scales[run] * inverse_d, 63),
               rounded_code(minimums[run] * inverse_dmin, 63));
  write(block, out);
  const BlockParts parts = split_q4_k(out);  // the scales as they will be decoded
  uint8_t codes[256];
  for (size_t i = 0; i < 256; ++i) {
    const size_t run = i / 32;
    codes[i] = rounded_code((x[i] - parts.minimums[run]) * inverse_of(parts.scales[run]), 15);
  }
  for (size_t i = 0; i < 4; ++i) join_nibbles(codes + 64 * i, 32, block.codes + 32 * i);
  write(block, out);
}

void encode_q6_k(std::span<const float> x, std::span<std::byte> out) {
  float scales[16];
  for (size_t run = 0; run < 16; ++run) scales[run] = extreme_of(x.subspan(run * 16, 16)) / -32.0f;
  Q6_K block = {};
  block.d = float_to_fp16(extreme_of(scales) / -128.0f);
  const float inverse_d = inverse_of(fp16_to_float(block.d));
  for (int run = 0; run < 16; ++run)
    block.scales[run] =
        static_cast<int8_t>(std::clamp(std::lround(scales[run] * inverse_d), -128L, 127L));
  const float d = fp16_to_float(block.d);
  for (size_t i = 0; i < 256; ++i) {
    const size_t run = i / 16;
    const float inverse = inverse_of(d * static_cast<float>(block.scales[run]));
    const int code = rounded_code(x[i] * inverse + 32.0f, 63);
    const size_t half = i / 128;
    const size_t quarter = i % 128 / 32;
    const size_t l = i % 32;
    uint8_t& low = block.low[64 * half + 32 * (quarter % 2) + l];
    uint8_t& high = block.high[32 * half + l];
    low = static_cast<uint8_t>(low | (code & 15) << (4 * (quarter / 2)));
    high = static_cast<uint8_t>(high | (code >> 4) << (2 * quarter));
  }
  write(block, out);
}

void fill_runs(BlockParts& parts, float scale, float minimum) {
  parts.scales[0] = scale;
  parts.minimums[0] = minimum;
}

}  // namespace

std::span<const BlockRow> block_formats() { return rows; }
const BlockRow& row_of(BlockFormat format) { return rows[static_cast<size_t>(format)]; }

BlockParts split_block(BlockFormat format, std::span<const std::byte> bytes) {
  BlockParts parts = {};
  switch (format) {
    case BlockFormat::q4_0: {
      const auto block = read<Q4_0>(bytes);
      split_nibbles(block.codes, 16, -8, parts.codes);
      fill_runs(parts, fp16_to_float(block.d), 0.0f);
      return parts;
    }
    case BlockFormat::q4_1: {
      const auto block = read<Q4_1>(bytes);
      split_nibbles(block.codes, 16, 0, parts.codes);
      fill_runs(parts, fp16_to_float(block.d), fp16_to_float(block.m));
      return parts;
    }
    case BlockFormat::q8_0: {
      const auto block = read<Q8_0>(bytes);
      std::ranges::copy(block.codes, parts.codes);
      fill_runs(parts, fp16_to_float(block.d), 0.0f);
      return parts;
    }
    case BlockFormat::q4_k:
      return split_q4_k(bytes);
    case BlockFormat::q6_k:
      return split_q6_k(bytes);
  }
  return parts;
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

void encode(BlockFormat format, std::span<const float> weights, std::span<std::byte> blocks) {
  constexpr void (*encoders[])(std::span<const float>, std::span<std::byte>) = {
      encode_q4_0, encode_q4_1, encode_q8_0, encode_q4_k, encode_q6_k};
  const BlockRow& row = row_of(format);
  const auto length = static_cast<size_t>(row.length);
  assert(blocks.size() * length == weights.size() * static_cast<size_t>(row.bytes));
  for (size_t first = 0; first < weights.size(); first += length) {
    encoders[static_cast<size_t>(format)](weights.subspan(first, length), blocks);
    blocks = blocks.subspan(static_cast<size_t>(row.bytes));
  }
}

}  // namespace qb::ggml
