#include "compression/quant/microscaling.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/rng.h"

using namespace qb;
using namespace qb::quant;

namespace {

std::vector<float> normal_values(size_t count, double size) {
  Rng rng(31);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(size * rng.normal());
  return values;
}

std::vector<float> decode(const Microscaled& weight) {
  std::vector<float> out(static_cast<size_t>(weight.layout.row_count * weight.layout.column_count));
  decode_microscaled(weight.view(), out);
  return out;
}

}  // namespace

TEST_CASE("weights decode within half a step of what the format holds, whatever the shape") {
  for (const MicroscalingRow& format : microscalings()) {
    for (const int64_t column_count : {1, 9, 16, 31, 32, 33, 576}) {
      for (const double size : {1e-3, 1.0, 300.0}) {
        CAPTURE(format.name);
        CAPTURE(column_count);
        CAPTURE(size);
        // A scale in E4M3 is at least 2^-9, and has no steps to speak of at the low end.
        if (format.format == Microscaling::nvfp4 && size < 1.0) continue;
        const auto weights = normal_values(static_cast<size_t>(5 * column_count), size);
        const Microscaled stored = encode_microscaled({format.format, 5, column_count}, weights, 3);
        const auto decoded = decode(stored);
        float largest = 0.0f;
        for (const float weight : weights) largest = std::max(largest, std::fabs(weight));
        // The widest step of E2M1 is 2 of 6, that of E4M3 32 of 448; the scale is up to twice, or
        // an eighth, larger than what it stands for.
        const float step = format.bits == 8 ? 2.0f * 32.0f / 448.0f : 2.0f * 2.0f / 6.0f;
        for (size_t i = 0; i < weights.size(); ++i)
          CHECK(std::fabs(weights[i] - decoded[i]) <= 0.5f * step * largest);
        CHECK(decode(encode_microscaled({format.format, 5, column_count}, weights, 1)) == decoded);
      }
    }
  }
}

TEST_CASE("rows of zeros, and rows that are tiny, decode to zeros or to next to nothing") {
  for (const MicroscalingRow& format : microscalings()) {
    CAPTURE(format.name);
    for (const float value :
         decode(encode_microscaled({format.format, 2, 40}, std::vector<float>(80, 0.0f))))
      CHECK(value == 0.0f);
    for (const float value :
         decode(encode_microscaled({format.format, 2, 40}, std::vector<float>(80, 1e-42f))))
      CHECK(std::fabs(value) <= 1e-37f);
  }
}
