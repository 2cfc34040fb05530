// Floats of 4 and 8 bits to and from float, the sign in the highest bit: E2M1 and E8M0 of the OCP
// Microscaling specification 1.0, E4M3 of Micikevicius et al. 2022, "FP8 formats for deep
// learning".
#pragma once

#include <cstdint>

namespace qb {

constexpr float e4m3_max = 448.0f;
constexpr float e2m1_max = 6.0f;
constexpr int e8m0_bias = 127;

// No infinities. From float to the nearest, ties to even, saturating; a NaN stays one.
uint8_t float_to_e4m3(float value);
float e4m3_to_float(uint8_t bits);

// The low 4 bits. From float to the nearest, ties towards zero, saturating.
uint8_t float_to_e2m1(float value);
float e2m1_to_float(uint8_t bits);

// A power of two; 255 is NaN. From float upwards, so that what is divided by it is not cut off (the
// specification's own recipe rounds down, and cuts); 0 gives 1.
uint8_t float_to_e8m0(float value);
float e8m0_to_float(uint8_t bits);

}  // namespace qb
