// 8-bit activations: code = clamp(round_to_even(x / scale) + zero_point, 0, 255), as ONNX's
// QuantizeLinear; x is stood for by (code - zero_point) * scale. By token it is s8: fit_token.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compression/quant/scheme.h"

namespace qb::quant {

struct ActivationFit {
  float scale = 1.0f;
  int32_t zero_point = 0;  // 0..255
};

// The fit of a range, widened to contain 0 (ONNX DynamicQuantizeLinear). low <= high.
ActivationFit fit_activation(float low, float high);

// The fit of the values' own range.
ActivationFit fit_activation(std::span<const float> values);

// Each value replaced by what its code stands for.
void round_activations(const ActivationFit& fit, std::span<float> values);

// The scale of one token's values: max |x| / 127, so that code = round_to_even(x / scale) lies in
// -127..127 and stands for code * scale (the row-wise activations of Dettmers et al. 2022,
// LLM.int8(); "per token" in Xiao et al. 2023, SmoothQuant). Never 0: zeros keep the code 0.
float fit_token(std::span<const float> values);

// The tokens' values, `width` each, replaced by what their codes stand for.
void round_tokens(std::span<float> values, size_t width);

// What is seen of one activation over a calibration set, in two passes over the same batches: first
// ranges, then a histogram within the whole range. Values are finite.
class ActivationObserver {
 public:
  static constexpr int64_t bin_count = 2048;

  void add_range(std::span<const float> batch);
  void add_counts(std::span<const float> batch);

  // The fit by that method. min_max and moving_average need the first pass only.
  // Percentile: 0.005 % of the values are cut at each end. mse, entropy: each end is moved inwards
  // in 32 steps (ends at 0 stay) and the best pair kept, by the squared error of the histogram's
  // bins or, as Migacz (GTC 2017) for TensorRT, by the KL divergence of the histogram, its tails
  // put into the end bins, from itself in 256 levels.
  ActivationFit fit(Calibration calibration) const;

 private:
  struct Ends {
    int64_t first = 0, last = bin_count;  // bins [first, last)
  };
  Ends ends_of_percentile() const;
  Ends search_ends(double (ActivationObserver::*loss)(Ends) const) const;
  double squared_error(Ends ends) const;
  double divergence(Ends ends) const;
  std::vector<double> counts_without_zeros() const;
  float edge(int64_t bin) const;  // the bin's lower end
  int64_t zero_bin() const;

  float low_ = 0.0f;
  float high_ = 0.0f;
  float average_low_ = 0.0f;
  float average_high_ = 0.0f;
  int64_t batch_count_ = 0;
  std::vector<int64_t> counts_;
};

}  // namespace qb::quant
