// How GGUF's blocks lie in files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace qb::ggml {

// The blocks as they lie in files, little-endian; fp16 as bits.
struct Q4_0 {
  uint16_t d;
  uint8_t codes[16];  // low nibbles: the first half of the block
};
struct Q4_1 {
  uint16_t d, m;
  uint8_t codes[16];
};
struct Q5_0 {
  uint16_t d;
  uint8_t high[4];  // the fifth bit of each weight
  uint8_t codes[16];
};
struct Q5_1 {
  uint16_t d, m;
  uint8_t high[4];
  uint8_t codes[16];
};
struct Q8_0 {
  uint16_t d;
  int8_t codes[32];
};
struct Q2_K {
  uint8_t scales[16];  // low nibbles scales, high nibbles minimums
  uint8_t codes[64];   // of 128 weights each 32 bytes, a pair of bits for each quarter
  uint16_t d, dmin;
};
struct Q3_K {
  uint8_t high[32];   // the third bit, inverted: a bit for each run of 32
  uint8_t codes[64];  // as q2_k's
  uint8_t scales[12];
  uint16_t d;
};
struct Q4_K {
  uint16_t d, dmin;
  uint8_t scales[12];  // 8 scales and 8 minimums of 6 bits
  uint8_t codes[128];  // of 64 weights each 32 bytes, low nibbles first
};
struct Q5_K {
  uint16_t d, dmin;
  uint8_t scales[12];
  uint8_t high[32];  // the fifth bit: a bit for each run of 32
  uint8_t codes[128];
};
struct Q6_K {
  uint8_t low[128];  // low 4 bits
  uint8_t high[64];  // high 2 bits
  int8_t scales[16];
  uint16_t d;
};
struct Iq4Nl {
  uint16_t d;
  uint8_t codes[16];
};
struct Iq4Xs {
  uint16_t d;
  uint16_t scales_high;  // two bits for each run
  uint8_t scales_low[4];
  uint8_t codes[128];  // of 32 weights each 16 bytes
};
struct Mxfp4 {
  uint8_t exponent;
  uint8_t codes[16];
};
static_assert(sizeof(Q4_0) == 18 && sizeof(Q4_1) == 20 && sizeof(Q8_0) == 34 &&
              sizeof(Q4_K) == 144 && sizeof(Q6_K) == 210 && sizeof(Q5_0) == 22 &&
              sizeof(Q5_1) == 24 && sizeof(Q2_K) == 84 && sizeof(Q3_K) == 110 &&
              sizeof(Q5_K) == 176 && sizeof(Iq4Nl) == 18 && sizeof(Iq4Xs) == 136 &&
              sizeof(Mxfp4) == 17);

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

}  // namespace qb::ggml
