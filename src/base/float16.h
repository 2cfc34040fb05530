// IEEE binary16 and bfloat16 bits to and from float, rounding to nearest even.
#pragma once

#include <bit>
#include <cstdint>

namespace qb {

inline float bf16_to_float(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

inline uint16_t float_to_bf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

float fp16_to_float(uint16_t bits);
uint16_t float_to_fp16(float value);  // beyond 65504 becomes infinity

}  // namespace qb
