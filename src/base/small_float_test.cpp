#include "base/small_float.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace qb;

TEST_CASE("every number of the small floats survives its own rounding") {
  for (int bits = 0; bits < 256; ++bits) {
    const float value = e4m3_to_float(static_cast<uint8_t>(bits));
    CHECK(std::isnan(value) == ((bits & 0x7f) == 0x7f));
    CHECK(float_to_e4m3(value) == bits);
  }
  for (uint8_t bits = 0; bits < 16; ++bits)
    CHECK(e2m1_to_float(float_to_e2m1(e2m1_to_float(bits))) == e2m1_to_float(bits));
}

TEST_CASE("the small floats round to the nearest") {
  CHECK(e4m3_to_float(float_to_e4m3(17.0f)) == 16.0f);  // halfway, to even
  CHECK(e4m3_to_float(float_to_e4m3(19.0f)) == 20.0f);
  CHECK(e4m3_to_float(float_to_e4m3(1000.0f)) == 448.0f);
  CHECK(e4m3_to_float(float_to_e4m3(-0x1p-9f)) == -0x1p-9f);
  CHECK(e4m3_to_float(float_to_e4m3(0x1p-11f)) == 0.0f);
  CHECK(e2m1_to_float(float_to_e2m1(2.5f)) == 2.0f);  // halfway, towards zero
  CHECK(e2m1_to_float(float_to_e2m1(3.5f)) == 3.0f);
  CHECK(e2m1_to_float(float_to_e2m1(-5.1f)) == -6.0f);
}

TEST_CASE("scales of 8 bits are powers of two") {
  CHECK(e8m0_to_float(127) == 1.0f);
  CHECK(e8m0_to_float(0) == 0x1p-127f);
  CHECK(e8m0_to_float(254) == 0x1p127f);
  for (int bits = 0; bits < 256; ++bits)
    CHECK(float_to_e8m0(e8m0_to_float(static_cast<uint8_t>(bits))) == bits);
  CHECK(float_to_e8m0(1.01f) == 128);
  CHECK(float_to_e8m0(0.0f) == 127);
}
