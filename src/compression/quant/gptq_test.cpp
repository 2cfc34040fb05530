#include "compression/quant/gptq.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "base/rng.h"

using namespace qb;
using namespace qb::quant;

namespace {

constexpr int64_t row_count = 150;  // more than a thread takes at once
constexpr int64_t column_count = 80;

std::vector<float> normal_values(int64_t count, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(rng.normal());
  return values;
}

// Mean of x xᵀ of inputs whose channels depend on each other.
std::vector<float> correlated_hessian() {
  constexpr int64_t sample_count = 400;
  const auto hidden = normal_values(sample_count * 10, 1);
  const auto mixing = normal_values(10 * column_count, 2);
  const auto noise = normal_values(sample_count * column_count, 4);
  std::vector<float> hessian(static_cast<size_t>(column_count * column_count));
  std::vector<float> x(static_cast<size_t>(column_count));
  for (int64_t sample = 0; sample < sample_count; ++sample) {
    for (int64_t i = 0; i < column_count; ++i) {
      float sum = 0.3f * noise[static_cast<size_t>(sample * column_count + i)];
      for (int64_t k = 0; k < 10; ++k)
        sum += hidden[static_cast<size_t>(sample * 10 + k)] *
               mixing[static_cast<size_t>(k * column_count + i)];
      x[static_cast<size_t>(i)] = sum;
    }
    for (size_t i = 0; i < x.size(); ++i)
      for (size_t j = 0; j < x.size(); ++j) hessian[i * x.size() + j] += x[i] * x[j] / sample_count;
  }
  return hessian;
}

double output_error(std::span<const float> weights, const Packed& packed,
                    std::span<const float> hessian) {
  std::vector<float> decoded(weights.size());
  dequantize_rows(packed.view(), 0, decoded);
  double sum = 0;
  for (int64_t row = 0; row < row_count; ++row)
    for (int64_t i = 0; i < column_count; ++i)
      for (int64_t j = 0; j < column_count; ++j) {
        const auto at = [&](int64_t column) {
          const auto index = static_cast<size_t>(row * column_count + column);
          return static_cast<double>(weights[index]) - decoded[index];
        };
        sum += at(i) * at(j) * hessian[static_cast<size_t>(i * column_count + j)];
      }
  return sum;
}

}  // namespace

TEST_CASE("with correlated inputs the outputs' error falls well below rounding's, same scales") {
  const auto weights = normal_values(row_count * column_count, 3);
  const auto hessian = correlated_hessian();
  for (const char* name : {"w4t", "w4c", "w4g32", "w4g32s", "w4g64"}) {
    CAPTURE(name);
    const PackedLayout layout = layout_for(find_scheme(name).value(), row_count, column_count);
    const auto fits = fit_groups(weights, layout, ScaleFit::min_max, 1);
    const auto codes = gptq_codes(weights, layout, fits, hessian, 1);
    REQUIRE(codes);
    const Packed fitted = pack(*codes, fits, layout);
    const Packed rounded = quantize(weights, layout);
    CHECK(fitted.scales == rounded.scales);
    CHECK(fitted.zero_points == rounded.zero_points);
    CHECK(output_error(weights, fitted, hessian) < 0.6 * output_error(weights, rounded, hessian));
  }
}

TEST_CASE("with independent inputs of one size it is rounding to nearest") {
  const auto weights = normal_values(row_count * column_count, 3);
  std::vector<float> identity(static_cast<size_t>(column_count * column_count));
  for (int64_t i = 0; i < column_count; ++i)
    identity[static_cast<size_t>(i * column_count + i)] = 1.0f;
  const PackedLayout layout = layout_for(find_scheme("w4g32").value(), row_count, column_count);
  const auto fits = fit_groups(weights, layout, ScaleFit::min_max, 1);
  const auto codes = gptq_codes(weights, layout, fits, identity, 1);
  REQUIRE(codes);
  CHECK(pack(*codes, fits, layout).codes == quantize(weights, layout).codes);
}

TEST_CASE("the number of threads changes nothing; inputs that were never seen do no harm") {
  const auto weights = normal_values(row_count * column_count, 3);
  std::vector<float> hessian = correlated_hessian();
  const PackedLayout layout = layout_for(find_scheme("w4g32").value(), row_count, column_count);
  const auto fits = fit_groups(weights, layout, ScaleFit::min_max, 1);
  CHECK(gptq_codes(weights, layout, fits, hessian, 1).value() ==
        gptq_codes(weights, layout, fits, hessian, 3).value());
  std::ranges::fill(hessian, 0.0f);
  const auto codes = gptq_codes(weights, layout, fits, hessian, 1);
  REQUIRE(codes);
  CHECK(pack(*codes, fits, layout).codes == quantize(weights, layout).codes);
}
