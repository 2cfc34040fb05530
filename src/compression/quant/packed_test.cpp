#include "compression/quant/packed.h"

#include <doctest/doctest.h>

#include "base/rng.h"

using namespace qb;
using namespace qb::quant;

TEST_CASE("codes of any number of bits are read as they were put, zero points too") {
  Rng rng(4);
  for (const int32_t bits : {2, 3, 4, 5, 6, 8}) {
    CAPTURE(bits);
    REQUIRE(is_packable(bits));
    Packed packed = {
        .layout = {.row_count = 3, .column_count = 96, .bits = bits, .group_size = 32}};
    const PackedLayout& layout = packed.layout;
    packed.codes.resize(layout.code_bytes());
    packed.zero_points.resize(layout.zero_point_bytes());
    packed.scales.assign(layout.scale_count(), 0.5f);
    CHECK(layout.code_bytes() == static_cast<size_t>(3 * 96 * bits / 8));
    std::vector<uint8_t> codes(size_t{3} * 96);
    std::vector<uint8_t> zeros(size_t{3} * 3);
    for (auto* values : {&codes, &zeros})
      for (uint8_t& value : *values) value = static_cast<uint8_t>(rng.below(uint64_t{1} << bits));
    for (size_t row = 0; row < 3; ++row) {
      put_codes(std::span(codes).subspan(row * 96, 96), bits,
                packed.codes.data() + row * static_cast<size_t>(layout.row_bytes()));
      put_codes(
          std::span(zeros).subspan(row * 3, 3), bits,
          packed.zero_points.data() + row * static_cast<size_t>(layout.zero_point_row_bytes()));
    }
    std::vector<float> decoded(size_t{3} * 96);
    dequantize_rows(packed.view(), 0, decoded);
    for (size_t i = 0; i < codes.size(); ++i) {
      const size_t group = i / 32;
      CHECK(decoded[i] == 0.5f * static_cast<float>(codes[i] - zeros[group]));
    }
  }
  CHECK_FALSE(is_packable(1));
  CHECK_FALSE(is_packable(7));
}
