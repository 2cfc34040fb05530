// Weights to GGUF's blocks, of the formats that are schemes.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "base/float16.h"
#include "network/ggml/block_formats.h"
#include "network/ggml/block_layouts.h"

namespace qb::ggml {
namespace {

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
  const BlockParts parts =
      split_block(BlockFormat::q4_k, out);  // the scales as they will be decoded
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

using Encode = void (*)(std::span<const float> weights, std::span<std::byte> block);
Encode encoder_of(BlockFormat format) {
  switch (format) {
    case BlockFormat::q4_0:
      return encode_q4_0;
    case BlockFormat::q4_1:
      return encode_q4_1;
    case BlockFormat::q8_0:
      return encode_q8_0;
    case BlockFormat::q4_k:
      return encode_q4_k;
    case BlockFormat::q6_k:
      return encode_q6_k;
    default:
      return nullptr;
  }
}

}  // namespace

bool can_encode(BlockFormat format) { return encoder_of(format) != nullptr; }

void encode(BlockFormat format, std::span<const float> weights, std::span<std::byte> blocks) {
  const Encode encode_block = encoder_of(format);
  const BlockRow& row = row_of(format);
  const auto length = static_cast<size_t>(row.length);
  assert(encode_block && blocks.size() * length == weights.size() * static_cast<size_t>(row.bytes));
  for (size_t first = 0; first < weights.size(); first += length) {
    encode_block(weights.subspan(first, length), blocks);
    blocks = blocks.subspan(static_cast<size_t>(row.bytes));
  }
}

}  // namespace qb::ggml
