// The microscaling formats are MLX's own: qbench's encoding against mx::quantize, bit for bit.
#include "compression/quant/microscaling.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "base/rng.h"
#include "measurement/engines/mlx/arrays.h"

using namespace qb;
namespace mx = ::mlx::core;

namespace {

struct Case {
  std::string name;
  std::vector<float> weights;  // rows of 64
};

std::vector<float> normal(size_t count, double size) {
  Rng rng(41);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(size * rng.normal());
  return values;
}

// Groups whose largest value lies on, or some steps beside, the border between two scales.
std::vector<float> at_borders(float largest_code) {
  std::vector<float> values;
  for (int exponent = -110; exponent < 110; ++exponent) {
    for (int steps = -3; steps <= 3; ++steps) {
      float edge = std::ldexp(largest_code, exponent);
      for (int i = 0; i < std::abs(steps); ++i)
        edge = std::nextafter(edge, steps < 0 ? 0.0f : INFINITY);
      for (int i = 0; i < 64; ++i) values.push_back(i % 16 == 0 ? edge : edge * 0.3f);
    }
  }
  return values;
}

// Values halfway between two codes, at a scale of 1.
std::vector<float> halfway() {
  std::vector<float> values;
  for (int i = 0; i < 64 * 8; ++i)
    values.push_back(i % 16 == 0 ? 6.0f : static_cast<float>(i % 49 - 24) / 4.0f);
  return values;
}

std::vector<Case> cases() {
  return {{"normal", normal(32768, 1.0)},        {"small", normal(32768, 1e-3)},
          {"tiny", normal(4096, 1e-30)},         {"large", normal(4096, 400.0)},
          {"zeros", std::vector<float>(256)},    {"halfway", halfway()},
          {"borders of E2M1", at_borders(6.0f)}, {"borders of E4M3", at_borders(448.0f)}};
}

}  // namespace

TEST_CASE("microscaled weights are what mx::quantize makes of them, and decode to the same") {
  mx::set_default_device(mx::Device::cpu);
  for (const quant::MicroscalingRow& format : quant::microscalings()) {
    for (Case c : cases()) {
      for (float& weight : c.weights)
        if (std::fabs(weight) > format.largest_weight) weight = 1.0f;
      CAPTURE(format.name);
      CAPTURE(c.name);
      const auto rows = static_cast<int64_t>(c.weights.size() / 64);
      const quant::Microscaled ours =
          quant::encode_microscaled({format.format, rows, 64}, c.weights);
      const mx::array weights(c.weights.data(), qb::mlx::shape_of({{rows, 64}}), mx::float32);
      std::vector<mx::array> theirs =
          mx::quantize(weights, std::nullopt, std::nullopt, std::string(format.name));
      REQUIRE(theirs.size() == 2);
      mx::array decoded =
          mx::dequantize(theirs[0], theirs[1], std::nullopt, std::nullopt, std::nullopt,
                         std::string(format.name), std::nullopt, mx::float32);
      mx::eval(theirs[0], theirs[1], decoded);
      REQUIRE(theirs[0].nbytes() == ours.codes.size());
      REQUIRE(theirs[1].nbytes() == ours.scales.size());
      CHECK(std::memcmp(theirs[0].data<uint32_t>(), ours.codes.data(), ours.codes.size()) == 0);
      CHECK(std::memcmp(theirs[1].data<uint8_t>(), ours.scales.data(), ours.scales.size()) == 0);
      std::vector<float> values(c.weights.size());
      quant::decode_microscaled(ours.view(), values);
      size_t wrong = 0;
      for (size_t i = 0; i < values.size(); ++i) wrong += decoded.data<float>()[i] != values[i];
      CHECK(wrong == 0);
    }
  }
}
