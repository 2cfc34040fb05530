#include "compression/quant/activation.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace qb::quant {
namespace {

constexpr double average_weight = 0.1;   // of the newest batch
constexpr double percentile_cut = 5e-5;  // of the values, at each end
constexpr size_t level_count = 256;

struct Range {
  float low = 0.0f;
  float high = 0.0f;
};

Range range_of(std::span<const float> values) {
  Range range;
  for (const float value : values)
    range = {std::min(range.low, value), std::max(range.high, value)};
  return range;
}

}  // namespace

ActivationFit fit_activation(float low, float high) {
  low = std::min(low, 0.0f);
  high = std::max(high, 0.0f);
  if (low == high) return {};
  const float scale = std::max((high - low) / 255.0f, std::numeric_limits<float>::min());
  const float zero_point = std::nearbyint(std::clamp(-low / scale, 0.0f, 255.0f));
  return {scale, static_cast<int32_t>(zero_point)};
}

ActivationFit fit_activation(std::span<const float> values) {
  const Range range = range_of(values);
  return fit_activation(range.low, range.high);
}

void round_activations(const ActivationFit& fit, std::span<float> values) {
  const auto zero_point = static_cast<float>(fit.zero_point);
  for (float& value : values) {
    const float code = std::clamp(std::nearbyint(value / fit.scale) + zero_point, 0.0f, 255.0f);
    value = (code - zero_point) * fit.scale;
  }
}

float fit_token(std::span<const float> values) {
  float largest = 0.0f;
  for (const float value : values) largest = std::max(largest, std::fabs(value));
  return std::max(largest / 127.0f, std::numeric_limits<float>::min());
}

void round_tokens(std::span<float> values, size_t width) {
  for (; !values.empty(); values = values.subspan(width)) {
    const float scale = fit_token(values.first(width));
    for (float& value : values.first(width)) value = std::nearbyint(value / scale) * scale;
  }
}

void ActivationObserver::add_range(std::span<const float> batch) {
  const Range range = range_of(batch);
  low_ = std::min(low_, range.low);
  high_ = std::max(high_, range.high);
  const double weight = batch_count_++ == 0 ? 1.0 : average_weight;
  average_low_ += static_cast<float>(weight * (range.low - average_low_));
  average_high_ += static_cast<float>(weight * (range.high - average_high_));
}

void ActivationObserver::add_counts(std::span<const float> batch) {
  counts_.resize(bin_count);
  if (high_ == low_) return;
  const double bins_per_unit = bin_count / (static_cast<double>(high_) - low_);
  for (const float value : batch) {
    const auto bin = static_cast<int64_t>((static_cast<double>(value) - low_) * bins_per_unit);
    ++counts_[static_cast<size_t>(std::clamp<int64_t>(bin, 0, bin_count - 1))];
  }
}

float ActivationObserver::edge(int64_t bin) const {
  const double share = static_cast<double>(bin) / bin_count;
  return static_cast<float>(low_ + share * (static_cast<double>(high_) - low_));
}

int64_t ActivationObserver::zero_bin() const {
  return static_cast<int64_t>(-static_cast<double>(low_) / (static_cast<double>(high_) - low_) *
                              bin_count);
}

ActivationObserver::Ends ActivationObserver::ends_of_percentile() const {
  int64_t total = 0;
  for (const int64_t count : counts_) total += count;
  const auto cut = static_cast<int64_t>(percentile_cut * static_cast<double>(total));
  Ends ends;
  int64_t below = counts_.front();
  while (below <= cut && ends.first < bin_count - 1)
    below += counts_[static_cast<size_t>(++ends.first)];
  int64_t above = counts_.back();
  while (above <= cut && ends.last > ends.first + 1)
    above += counts_[static_cast<size_t>(--ends.last - 1)];
  return ends;
}

// Each end in turn, twice: cheaper than all pairs, and the loss is nearly separable.
ActivationObserver::Ends ActivationObserver::search_ends(double (ActivationObserver::*loss)(Ends)
                                                             const) const {
  constexpr int64_t step_count = 32;
  const int64_t zero = zero_bin();
  Ends best;
  double best_loss = (this->*loss)(best);
  const auto consider = [&](Ends ends) {
    if (ends.last - ends.first < bin_count / 8) return;
    if (const double value = (this->*loss)(ends); value < best_loss) {
      best_loss = value;
      best = ends;
    }
  };
  for (int round = 0; round < 2; ++round) {
    for (int64_t step = 0; step < step_count; ++step)
      consider({best.first, bin_count - (bin_count - zero) * step / step_count});
    for (int64_t step = 0; step < step_count; ++step)
      consider({zero * step / step_count, best.last});
  }
  return best;
}

double ActivationObserver::squared_error(Ends ends) const {
  const ActivationFit fit = fit_activation(edge(ends.first), edge(ends.last));
  std::vector<float> rounded(bin_count);
  const float half = (edge(1) - edge(0)) / 2;
  for (int64_t bin = 0; bin < bin_count; ++bin)
    rounded[static_cast<size_t>(bin)] = edge(bin) + half;
  const std::vector<float> centres = rounded;
  round_activations(fit, rounded);
  // Within a bin values spread: rounding to a step finer than the bin costs step^2 / 12 all the
  // same.
  const double within = static_cast<double>(fit.scale) * fit.scale / 12.0;
  double sum = 0.0;
  for (size_t bin = 0; bin < rounded.size(); ++bin) {
    const double error = static_cast<double>(centres[bin]) - rounded[bin];
    sum += static_cast<double>(counts_[bin]) * std::max(error * error, within);
  }
  return sum;
}

// Counts as the divergence sees them. The bin of 0 is given its neighbour's count: what a relu
// makes 0 stays exactly 0 in any range, and a spike must not count as a shape that rounding spoils.
std::vector<double> ActivationObserver::counts_without_zeros() const {
  std::vector<double> counts(counts_.begin(), counts_.end());
  const auto zero = static_cast<size_t>(std::clamp<int64_t>(zero_bin(), 0, bin_count - 1));
  counts[zero] = std::min(counts[zero], counts[zero + 1 < counts.size() ? zero + 1 : zero - 1]);
  return counts;
}

double ActivationObserver::divergence(Ends ends) const {
  const std::vector<double> counts = counts_without_zeros();
  const auto first = static_cast<size_t>(ends.first);
  const auto last = static_cast<size_t>(ends.last);
  const size_t width = last - first;
  double inside = 0.0;
  double total = 0.0;
  std::vector<double> clipped(counts.begin() + ends.first, counts.begin() + ends.last);
  for (size_t bin = 0; bin < counts.size(); ++bin) {
    total += counts[bin];
    if (bin >= first && bin < last)
      inside += counts[bin];
    else
      clipped[bin < first ? 0 : width - 1] += counts[bin];
  }
  if (inside == 0) return std::numeric_limits<double>::infinity();  // it keeps no value
  double divergence = 0.0;
  for (size_t level = 0; level < level_count; ++level) {
    const size_t begin = width * level / level_count;
    const size_t end = width * (level + 1) / level_count;
    double sum = 0.0;  // of the level, without the tails: what the codes would show
    double filled = 0.0;
    for (size_t i = begin; i < end; ++i) {
      sum += counts[first + i];
      filled += clipped[i] > 0 ? 1.0 : 0.0;
    }
    for (size_t i = begin; i < end; ++i) {
      const double p = clipped[i] / total;
      if (p > 0.0) divergence += p * std::log(p / std::max(sum / filled / inside, 1e-12));
    }
  }
  return divergence;
}

ActivationFit ActivationObserver::fit(Calibration calibration) const {
  if (low_ == high_) return {};
  Ends ends;
  switch (calibration) {
    case Calibration::min_max:
      return fit_activation(low_, high_);
    case Calibration::moving_average:
      return fit_activation(average_low_, average_high_);
    case Calibration::percentile:
      ends = ends_of_percentile();
      break;
    case Calibration::mse:
      ends = search_ends(&ActivationObserver::squared_error);
      break;
    case Calibration::entropy:
      ends = search_ends(&ActivationObserver::divergence);
      break;
  }
  return fit_activation(edge(ends.first), edge(ends.last));
}

}  // namespace qb::quant
