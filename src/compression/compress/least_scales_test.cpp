#include "compression/compress/least_scales.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace qb;
using namespace qb::compress;

namespace {

quant::PackedLayout layout_of(bool per_tensor) {
  return {.row_count = 3,
          .column_count = 4,
          .bits = 8,
          .group_size = 4,
          .symmetric = true,
          .per_tensor = per_tensor};
}

}  // namespace

TEST_CASE("a scale too small for its bias is raised, and its codes stand for the same weights") {
  const std::vector<float> weights = {0.5f,   -0.25f,  0.1f, 0.0f,    // beside it any bias fits
                                      1e-12f, -2e-12f, 0.0f, 3e-12f,  // next to nothing
                                      0.0f,   0.0f,    0.0f, 0.0f};
  const std::vector<float> bias = {1.0f, -2.0f, 3.0f};
  const float input_scale = 0.02f;
  const std::vector<float> least = least_scales(bias, input_scale);
  quant::Packed packed = quant::quantize(weights, layout_of(false));
  const std::vector<uint8_t> before = packed.codes;
  CHECK(raise_scales(packed, weights, least));
  CHECK(std::equal(before.begin(), before.begin() + 4, packed.codes.begin()));
  std::vector<float> decoded(weights.size());
  quant::dequantize_rows(packed.view(), 0, decoded);
  for (int64_t row = 0; row < 3; ++row) {
    const double unit = static_cast<double>(input_scale) * packed.view().scale(row, 0);
    CHECK(std::fabs(bias[static_cast<size_t>(row)]) / unit <= 1.001 * (1 << 30));
  }
  for (size_t i = 4; i < weights.size(); ++i)
    CHECK(std::fabs(decoded[i] - weights[i]) <= 0.5f * packed.view().scale(i < 8 ? 1 : 2, 0));
  CHECK_FALSE(raise_scales(packed, weights, least));  // what is large enough stays
}

TEST_CASE("one scale for all rows is raised for the largest bias, and all codes follow") {
  const std::vector<float> weights(12, 1e-12f);
  quant::Packed packed = quant::quantize(weights, layout_of(true));
  CHECK(packed.codes[0] == 255);
  CHECK(raise_scales(packed, weights, least_scales(std::vector{0.0f, 1.0f, 4.0f}, 0.5f)));
  CHECK(packed.scales == least_scales(std::vector{4.0f}, 0.5f));
  for (const uint8_t code : packed.codes) CHECK(code == 128);  // next to nothing is nothing
}
