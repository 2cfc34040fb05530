// Round trip and error bounds of every integer scheme and every way to choose scales, on random
// shapes and on values of many kinds. (Block formats: block_formats_test.cpp; floats and refusals:
// compression/bundle/bundle_test.cpp.)
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/rng.h"
#include "compression/quant/quantize.h"

using namespace qb;
using namespace qb::quant;

namespace {

struct Kind {
  const char* name;
  float (*draw)(Rng& rng);
};
constexpr Kind kinds[] = {
    {"normal", [](Rng& rng) { return static_cast<float>(rng.normal()); }},
    {"heavy tails",
     [](Rng& rng) {
       const double numerator = rng.normal();
       return static_cast<float>(numerator / (0.01 + std::fabs(rng.normal())));
     }},
    {"one sign", [](Rng& rng) { return static_cast<float>(5.0 + rng.uniform()); }},
    {"constant", [](Rng&) { return -0.75f; }},
    {"mostly zero",
     [](Rng& rng) { return rng.uniform() < 0.9 ? 0.0f : static_cast<float>(rng.normal()); }},
    {"denormal",
     [](Rng& rng) {
       return static_cast<float>(rng.normal()) * 100.0f * std::numeric_limits<float>::denorm_min();
     }},
    {"tiny and huge", [](Rng& rng) { return static_cast<float>(std::exp(30.0 * rng.normal())); }},
    {"largest", [](Rng& rng) { return rng.uniform() < 0.5 ? largest_weight : -largest_weight; }},
};

std::vector<float> decoded(const Packed& packed, size_t count) {
  std::vector<float> values(count);
  dequantize_rows(packed.view(), 0, values);
  return values;
}

// Every value within `steps` of its group's steps; a step can't be finer than floats are.
bool is_within(std::span<const float> weights, const Packed& packed, double steps) {
  const PackedLayout& layout = packed.layout;
  const std::vector<float> again = decoded(packed, weights.size());
  for (size_t i = 0; i < weights.size(); ++i) {
    const int64_t row = static_cast<int64_t>(i) / layout.column_count;
    const int64_t group = static_cast<int64_t>(i) % layout.column_count / layout.group_size;
    const double scale = packed.view().scale(row, group);
    const double grain = 1e-5 * std::fabs(static_cast<double>(weights[i]));
    if (!std::isfinite(again[i])) return false;
    if (std::fabs(static_cast<double>(weights[i]) - again[i]) > steps * scale + grain) return false;
  }
  return true;
}

bool keeps_zeros(std::span<const float> weights, std::span<const float> fitted) {
  for (size_t i = 0; i < weights.size(); ++i)
    if (weights[i] == 0.0f && fitted[i] != 0.0f) return false;
  return true;
}

}  // namespace

TEST_CASE("random shapes and values: every scheme's error stays within its step") {
  Rng rng(11);
  for (const Scheme& scheme : base_schemes()) {
    if (scheme.weight_type != WeightType::integer) continue;
    for (const Kind& kind : kinds) {
      for (int trial = 0; trial < 6; ++trial) {
        const auto rows = static_cast<int64_t>(1 + rng.below(9));
        const auto columns = static_cast<int64_t>(1 + rng.below(300));
        CAPTURE(scheme.name);
        CAPTURE(kind.name);
        CAPTURE(rows);
        CAPTURE(columns);
        std::vector<float> weights(static_cast<size_t>(rows * columns));
        for (float& weight : weights)
          weight = std::clamp(kind.draw(rng), -largest_weight, largest_weight);
        const PackedLayout layout = layout_for(scheme, rows, columns);
        const Packed packed = quantize(weights, layout);
        CHECK(is_within(weights, packed, scheme.symmetric ? 0.5001 : 1.0001));
        // What was decoded lies on the grid: quantizing it anew moves nothing by more than a step.
        const std::vector<float> once = decoded(packed, weights.size());
        CHECK(is_within(once, quantize(once, layout), scheme.symmetric ? 0.5001 : 1.0001));
        for (const ScaleFit fit : {ScaleFit::mse, ScaleFit::hqq}) {
          const std::vector<float> fitted = decoded(quantize(weights, layout, fit), weights.size());
          CHECK(std::ranges::all_of(fitted, [](float value) { return std::isfinite(value); }));
          CHECK(keeps_zeros(weights, fitted));
        }
      }
    }
  }
}
