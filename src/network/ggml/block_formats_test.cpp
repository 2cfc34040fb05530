#include "network/ggml/block_formats.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "base/rng.h"

using namespace qb;
using namespace qb::ggml;

namespace {

std::vector<float> normal_values(int64_t count, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(rng.normal());
  return values;
}

std::vector<float> round_trip(BlockFormat format, const std::vector<float>& values) {
  const BlockRow& row = row_of(format);
  std::vector<std::byte> blocks(values.size() / static_cast<size_t>(row.length) *
                                static_cast<size_t>(row.bytes));
  encode(format, values, blocks);
  std::vector<float> decoded(values.size());
  decode(format, blocks, decoded);
  return decoded;
}

}  // namespace

TEST_CASE("every format decodes within a step of what was encoded") {
  for (const BlockRow& row : block_formats()) {
    if (!can_encode(row.format)) continue;
    CAPTURE(row.name);
    const auto values = normal_values(row.length * 8, 5);
    const auto decoded = round_trip(row.format, values);
    const double levels = row.bits_per_weight() > 8 ? 127 : row.bits_per_weight() > 6 ? 31 : 7.5;
    const auto length = static_cast<size_t>(row.length);
    for (size_t first = 0; first < values.size(); first += length) {
      double largest = 0;  // a run's scale is at most the block's
      for (size_t i = first; i < first + length; ++i)
        largest = std::max(largest, std::fabs(static_cast<double>(values[i])));
      for (size_t i = first; i < first + length; ++i)
        CHECK(std::fabs(values[i] - decoded[i]) <= 1.05 * largest / levels);
    }
  }
}

TEST_CASE("random lengths with heavy tails decode to finite values within their block's reach") {
  Rng rng(8);
  for (const BlockRow& row : block_formats()) {
    if (!can_encode(row.format)) continue;
    CAPTURE(row.name);
    const double levels = row.bits_per_weight() > 8 ? 127 : row.bits_per_weight() > 6 ? 31 : 7.5;
    for (int trial = 0; trial < 40; ++trial) {
      const auto length = static_cast<size_t>(row.length);
      std::vector<float> values(length * (1 + rng.below(6)));
      for (float& value : values) {
        const double numerator = rng.normal();
        value = static_cast<float>(numerator / (0.02 + std::fabs(rng.normal())));
      }
      const auto decoded = round_trip(row.format, values);
      for (size_t i = 0; i < values.size(); ++i) {
        const auto block = std::span(values).subspan(i / length * length, length);
        const float largest =
            std::fabs(*std::ranges::max_element(block, {}, [](float v) { return std::fabs(v); }));
        // Half precision of the scale, and halves of codes at both ends.
        if (!(std::fabs(values[i] - decoded[i]) <= 1.1 * static_cast<double>(largest) / levels))
          FAIL_CHECK(values[i] << " became " << decoded[i]);
      }
    }
  }
}

TEST_CASE("zeros stay zeros, constants stay constants, denormals do no harm") {
  for (const BlockRow& row : block_formats()) {
    if (!can_encode(row.format)) continue;
    CAPTURE(row.name);
    const auto count = static_cast<size_t>(row.length);
    CHECK(round_trip(row.format, std::vector<float>(count, 0.0f)) ==
          std::vector<float>(count, 0.0f));
    for (const float value : {2.0f, -2.0f})
      for (const float decoded : round_trip(row.format, std::vector<float>(count, value)))
        CHECK(decoded == doctest::Approx(value).epsilon(0.02));
    for (const float decoded : round_trip(row.format, std::vector<float>(count, 1e-42f)))
      CHECK(std::fabs(decoded) < 1e-6f);
  }
}

TEST_CASE("a q4_0 block by hand") {
  // Largest magnitude -8 at the end: d = 1, codes are x + 8.
  std::vector<float> values(32, 0.0f);
  values[0] = 3.0f;
  values[16] = -2.0f;
  values[31] = -8.0f;
  std::vector<std::byte> block(18);
  encode(BlockFormat::q4_0, values, block);
  CHECK(std::to_integer<int>(block[0]) == 0x00);
  CHECK(std::to_integer<int>(block[1]) == 0x3c);  // fp16 1.0
  CHECK(std::to_integer<int>(block[2]) == 0x6b);  // low: 3 + 8, high: -2 + 8
  CHECK(std::to_integer<int>(block[17]) == 0x08);
}
