#include "compression/quant/activation.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/rng.h"

using namespace qb;
using namespace qb::quant;

namespace {

ActivationObserver observer_of(std::span<const float> values) {
  ActivationObserver observer;
  observer.add_range(values);
  observer.add_counts(values);
  return observer;
}

double squared_error(std::span<const float> values, const ActivationFit& fit) {
  std::vector<float> rounded(values.begin(), values.end());
  round_activations(fit, rounded);
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i)
    sum += std::pow(static_cast<double>(values[i]) - rounded[i], 2);
  return sum;
}

// Normal values, and a few far outside.
std::vector<float> values_with_outliers() {
  Rng rng(3);
  std::vector<float> values(20000);
  for (float& value : values) value = static_cast<float>(rng.normal());
  values[7] = 60.0f;
  values[8] = -40.0f;
  return values;
}

}  // namespace

TEST_CASE("a range is quantized so that 0 is exact and its ends lose half a step at most") {
  for (const auto& [low, high] : {std::pair{-1.0f, 3.0f},
                                  {0.0f, 6.0f},
                                  {2.0f, 5.0f},
                                  {-4.0f, -1.0f},
                                  {0.0f, 1e-40f},
                                  {-1e30f, 1e30f}}) {
    CAPTURE(low);
    CAPTURE(high);
    const ActivationFit fit = fit_activation(low, high);
    CHECK(fit.scale > 0.0f);
    CHECK(fit.zero_point >= 0);
    CHECK(fit.zero_point <= 255);
    float values[] = {0.0f, low, high};
    round_activations(fit, values);
    CHECK(values[0] == 0.0f);
    CHECK(std::fabs(values[1] - low) <= 1.001f * fit.scale);
    CHECK(std::fabs(values[2] - high) <= 1.001f * fit.scale);
  }
  CHECK(fit_activation(0.0f, 0.0f).scale == 1.0f);
}

TEST_CASE("rounding takes halves to even, as ONNX does, and saturates") {
  float values[] = {0.5f, 1.5f, 2.5f, 300.0f, -300.0f};
  round_activations({1.0f, 10}, values);
  CHECK(values[0] == 0.0f);
  CHECK(values[1] == 2.0f);
  CHECK(values[2] == 2.0f);
  CHECK(values[3] == 245.0f);
  CHECK(values[4] == -10.0f);
}

TEST_CASE("each token is rounded by its own largest value, symmetric about 0, halves to even") {
  float values[] = {127.0f, -127.0f, 0.5f, 1.5f, -2.5f,   // scale 1
                    0.0f,   0.0f,    0.0f, 0.0f, 0.0f,    //
                    1e-3f,  -254.0f, 3.0f, 5.0f, -1.0f};  // scale 2
  const float wanted[] = {127, -127, 0, 2, -2, 0, 0, 0, 0, 0, 0, -254, 4, 4, 0};
  round_tokens(values, 5);
  for (size_t i = 0; i < std::size(values); ++i) CHECK(values[i] == wanted[i]);
}

TEST_CASE("a token's codes reach 127 and no further, however small or large its values") {
  for (const float largest : {1e-45f, 1e-38f, 1.0f, 0.1f, 3e38f}) {
    CAPTURE(largest);
    const float values[] = {largest, -largest, largest / 3};
    const float scale = fit_token(values);
    CHECK(scale > 0.0f);
    for (const float value : values) CHECK(std::fabs(std::nearbyint(value / scale)) <= 127.0f);
    if (largest > 1e-30f) CHECK(std::nearbyint(largest / scale) == 127.0f);
  }
}

TEST_CASE("outliers: every search is better than the whole range, mse the best of all") {
  const auto values = values_with_outliers();
  const ActivationObserver observer = observer_of(values);
  const double whole = squared_error(values, observer.fit(Calibration::min_max));
  const double best = squared_error(values, observer.fit(Calibration::mse));
  CHECK(observer.fit(Calibration::min_max).scale == doctest::Approx(100.0 / 255));
  CHECK(observer.fit(Calibration::percentile).scale < 0.2f * 100.0f / 255);
  CHECK(observer.fit(Calibration::entropy).scale < observer.fit(Calibration::min_max).scale);
  CHECK(best < whole);
  for (const Calibration calibration : {Calibration::percentile, Calibration::entropy})
    CHECK(best <= squared_error(values, observer.fit(calibration)) * 1.02);
}

TEST_CASE("a range that keeps no value is never chosen") {
  // Zeros, which any range keeps, and values that only the widest ones do.
  std::vector<float> values(1000, 0.0f);
  for (size_t i = 0; i < 500; ++i) values[i] = 9.0f + 0.002f * static_cast<float>(i);
  const ActivationFit fit = observer_of(values).fit(Calibration::entropy);
  CHECK(fit.scale * 255.0f > 9.0f);
}

TEST_CASE("the moving average weighs the newest batch with a tenth") {
  ActivationObserver observer;
  const float first[] = {-1.0f, 1.0f};
  const float second[] = {-1.0f, 11.0f};
  observer.add_range(first);
  observer.add_range(second);
  CHECK(observer.fit(Calibration::moving_average).scale == doctest::Approx(3.0 / 255));
  CHECK(observer.fit(Calibration::min_max).scale == doctest::Approx(12.0 / 255));
}

TEST_CASE("constants and values of one sign calibrate in every way") {
  for (const float value : {0.0f, 2.0f, -2.0f}) {
    const std::vector<float> values(100, value);
    const ActivationObserver observer = observer_of(values);
    for (const CalibrationRow& row : calibrations()) {
      CAPTURE(value);
      CAPTURE(row.name);
      std::vector<float> rounded = values;
      round_activations(observer.fit(row.calibration), rounded);
      CHECK(rounded[0] == doctest::Approx(value).epsilon(0.02));
    }
  }
}
