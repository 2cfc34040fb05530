#include "compression/quant/quantize.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/rng.h"

using namespace qb;
using namespace qb::quant;

namespace {

std::vector<float> normal_values(size_t count, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(rng.normal());
  return values;
}

// Largest |weight - decoded| in units of the group's own scale.
double worst_error_in_steps(std::span<const float> weights, const Packed& packed) {
  const PackedLayout& layout = packed.layout;
  std::vector<float> decoded(weights.size());
  dequantize_rows(packed.view(), 0, decoded);
  double worst = 0.0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const int64_t row = static_cast<int64_t>(i) / layout.column_count;
    const int64_t group = static_cast<int64_t>(i) % layout.column_count / layout.group_size;
    const float scale = packed.view().scale(row, group);
    worst = std::max(worst, std::fabs(static_cast<double>(weights[i]) - decoded[i]) / scale);
  }
  return worst;
}

}  // namespace

TEST_CASE("every integer scheme decodes within one step of the weights, whatever the shape") {
  // Half a step from rounding the value, half from rounding the zero point at the ends of the
  // range.
  for (const Scheme& scheme : base_schemes()) {
    if (scheme.weight_type != WeightType::integer) continue;
    for (const int64_t column_count : {1, 9, 31, 32, 33, 64, 127, 128, 576, 1000}) {
      CAPTURE(scheme.name);
      CAPTURE(column_count);
      const auto weights = normal_values(static_cast<size_t>(5 * column_count), 7);
      const Packed packed = quantize(weights, layout_for(scheme, 5, column_count));
      CHECK(worst_error_in_steps(weights, packed) <= (scheme.symmetric ? 0.5001 : 1.0001));
    }
  }
}

TEST_CASE("an integer grid survives quantization exactly") {
  std::vector<float> weights;
  for (int i = 0; i < 32; ++i) weights.push_back(0.25f * static_cast<float>(i % 16 - 5));
  const Packed packed = quantize(weights, layout_for(find_scheme("w4g32").value(), 1, 32));
  std::vector<float> decoded(32);
  dequantize_rows(packed.view(), 0, decoded);
  CHECK(decoded == weights);
}

TEST_CASE("zeros, constants, extremes and denormals decode to finite values and zero to zero") {
  const float huge = largest_weight;
  const float tiny = std::numeric_limits<float>::denorm_min();
  for (const float value : {0.0f, 3.0f, -3.0f, huge, -huge, tiny, -tiny}) {
    for (const char* name : {"w8t", "w8c", "w8cs", "w4t", "w4ts", "w4g32", "w4g32s"}) {
      CAPTURE(value);
      CAPTURE(name);
      std::vector<float> weights(40, value);
      weights[1] = 0.0f;
      const Packed packed = quantize(weights, layout_for(find_scheme(name).value(), 1, 40));
      std::vector<float> decoded(40);
      dequantize_rows(packed.view(), 0, decoded);
      CHECK(decoded[1] == 0.0f);
      CHECK(std::ranges::all_of(decoded, [](float item) { return std::isfinite(item); }));
      if (std::fabs(value) == 3.0f) CHECK(decoded[0] == doctest::Approx(value).epsilon(1e-6));
    }
  }
}

TEST_CASE(
    "storage is laid out as documented: low nibble first, the tail padded with the zero point") {
  // 33 weights in groups of 32: the second group holds one weight and 31 codes of padding.
  std::vector<float> weights(33, 0.0f);
  for (int i = 0; i < 16; ++i) weights[static_cast<size_t>(i)] = static_cast<float>(i);  // zp 0
  weights[32] = -1.5f;  // range [-1.5, 0]: scale 0.1, zero point 15, code 0
  const Packed packed = quantize(weights, layout_for(find_scheme("w4g32").value(), 1, 33));
  CHECK(packed.codes.size() == 32);
  CHECK(packed.codes[0] == 0x10);
  CHECK(packed.codes[1] == 0x32);
  CHECK(packed.codes[16] == 0xf0);
  CHECK(packed.codes[31] == 0xff);
  CHECK(packed.zero_points == std::vector<uint8_t>{0xf0});
  CHECK(packed.scales[0] == 1.0f);
}

TEST_CASE("searched scales lose no more than the whole range does, by the measure they search") {
  for (const Scheme& scheme : base_schemes()) {
    if (scheme.weight_type != WeightType::integer) continue;
    CAPTURE(scheme.name);
    auto weights = normal_values(1200, 9);
    for (size_t i = 0; i < weights.size(); i += 97) weights[i] *= 6.0f;  // outliers
    const PackedLayout layout = layout_for(scheme, 6, 200);
    const auto error_of = [&](ScaleFit fit, double power) {
      std::vector<float> decoded(weights.size());
      dequantize_rows(quantize(weights, layout, fit).view(), 0, decoded);
      double sum = 0;
      for (size_t i = 0; i < weights.size(); ++i)
        sum += std::pow(std::fabs(static_cast<double>(weights[i]) - decoded[i]), power);
      return sum;
    };
    CHECK(error_of(ScaleFit::mse, 2) <= error_of(ScaleFit::min_max, 2) * (1 + 1e-6));
    CHECK(error_of(ScaleFit::hqq, 0.7) <= error_of(ScaleFit::min_max, 0.7) * (1 + 1e-6));
    if (scheme.weight_bits == 4)
      CHECK(error_of(ScaleFit::mse, 2) < 0.95 * error_of(ScaleFit::min_max, 2));
  }
}

TEST_CASE("a weight of -0 is one of 0 to every fit") {
  for (const ScaleFit fit : {ScaleFit::min_max, ScaleFit::mse, ScaleFit::hqq}) {
    auto weights = normal_values(1200, 9);
    for (size_t i = 0; i < weights.size(); i += 3) weights[i] = 0.0f;
    const PackedLayout layout = layout_for(find_scheme("w4c").value(), 6, 200);
    const Packed positive = quantize(weights, layout, fit);
    for (size_t i = 0; i < weights.size(); i += 3) weights[i] = -0.0f;
    const Packed negative = quantize(weights, layout, fit);
    CHECK(positive.codes == negative.codes);
    CHECK(positive.scales == negative.scales);
    CHECK(positive.zero_points == negative.zero_points);
  }
}

TEST_CASE("the number of threads changes no bit") {
  const auto weights = normal_values(8710, 4);
  for (const Scheme& scheme : base_schemes()) {
    if (scheme.weight_type != WeightType::integer) continue;
    for (const ScaleFit fit : {ScaleFit::min_max, ScaleFit::mse, ScaleFit::hqq}) {
      CAPTURE(scheme.name);
      const PackedLayout layout = layout_for(scheme, 67, 130);
      const Packed one = quantize(weights, layout, fit, 1);
      const Packed three = quantize(weights, layout, fit, 3);
      CHECK(one.codes == three.codes);
      CHECK(one.scales == three.scales);
      CHECK(one.zero_points == three.zero_points);
    }
  }
}

TEST_CASE("codes that are packed from outside are stored as quantizing stores them") {
  for (const int64_t column_count : {9, 64, 100}) {
    for (const Scheme& scheme : base_schemes()) {
      if (scheme.weight_type != WeightType::integer) continue;
      CAPTURE(scheme.name);
      CAPTURE(column_count);
      const auto weights = normal_values(static_cast<size_t>(5 * column_count), 6);
      const PackedLayout layout = layout_for(scheme, 5, column_count);
      const auto fits = fit_groups(weights, layout, ScaleFit::min_max, 1);
      std::vector<uint8_t> codes;
      for (int64_t i = 0; i < 5 * column_count; ++i) {
        const int64_t row = layout.per_tensor ? 0 : i / column_count;
        const int64_t group = i % column_count / layout.group_size;
        codes.push_back(nearest_code(
            weights[static_cast<size_t>(i)],
            fits[static_cast<size_t>(row * layout.groups_per_row() + group)], layout.bits));
      }
      const Packed packed = pack(codes, fits, layout);
      const Packed quantized = quantize(weights, layout);
      CHECK(packed.codes == quantized.codes);
      CHECK(packed.scales == quantized.scales);
      CHECK(packed.zero_points == quantized.zero_points);
    }
  }
}

TEST_CASE("what can't be stored is found, the first of many") {
  std::vector<float> values(200000, 1.0f);
  CHECK(find_unstorable(values, 2) == -1);
  for (const float bad :
       {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
        std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::max()}) {
    values[150001] = bad;
    values[199999] = bad;
    CHECK(find_unstorable(values, 1) == 150001);
    CHECK(find_unstorable(values, 3) == 150001);
  }
}
