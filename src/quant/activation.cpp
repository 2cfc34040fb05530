#include "quant/activation.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace qb::quant {
namespace {

constexpr double average_weight = 0.1;   // of the newest batch
constexpr double percentile_cut = 5e-5;  // of the values, at each end
constexpr int64_t level_count = 256;

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

ActivationObserver::Ends ActivationObserver::ends_of_percentile() const {
  int64_t total = 0;
  for (const int64_t count : counts_) total += count;
  const auto cut = static_cast<int64_t>(percentile_cut * static_cast<double>(total));
  Ends ends;
  for (int64_t seen = 0; ends.first < bin_count - 1; ++ends.first)
    if ((seen += counts_[static_cast<size_t>(ends.first)]) > cut) break;
  for (int64_t seen = 0; ends.last > ends.first + 1; --ends.last)
    if ((seen += counts_[static_cast<size_t>(ends.last - 1)]) > cut) break;
  return ends;
}

// Each end in turn, twice: cheaper than all pairs, and the loss is nearly separable.
ActivationObserver::Ends ActivationObserver::search_ends(double (ActivationObserver::*loss)(Ends)
                                                             const) const {
  constexpr int64_t step_count = 32;
  const auto zero = static_cast<int64_t>(-static_cast<double>(low_) /
                                         (static_cast<double>(high_) - low_) * bin_count);
  Ends best;
  double best_loss = (this->*loss)(best);
  const auto consider = [&](Ends ends) {
    if (ends.last - ends.first < level_count / 2) return;
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

double ActivationObserver::divergence(Ends ends) const {
  const int64_t width = ends.last - ends.first;
  std::vector<double> clipped(static_cast<size_t>(width));
  for (int64_t bin = 0; bin < bin_count; ++bin)
    clipped[static_cast<size_t>(std::clamp<int64_t>(bin - ends.first, 0, width - 1))] +=
        static_cast<double>(counts_[static_cast<size_t>(bin)]);
  double divergence = 0.0;
  double total = 0.0;
  double level_total = 0.0;
  for (const double count : clipped) total += count;
  for (int64_t bin = ends.first; bin < ends.last; ++bin)
    level_total += static_cast<double>(counts_[static_cast<size_t>(bin)]);
  if (total == 0 || level_total == 0) return 0.0;
  for (int64_t level = 0; level < level_count; ++level) {
    const int64_t first = width * level / level_count;
    const int64_t last = std::max(width * (level + 1) / level_count, first);
    double sum = 0.0;  // of the level, without the tails: what the codes would show
    double filled = 0.0;
    for (int64_t i = first; i < last; ++i) {
      const int64_t count = counts_[static_cast<size_t>(ends.first + i)];
      sum += static_cast<double>(count);
      filled += count > 0 || clipped[static_cast<size_t>(i)] > 0 ? 1.0 : 0.0;
    }
    for (int64_t i = first; i < last; ++i) {
      const double p = clipped[static_cast<size_t>(i)] / total;
      if (p == 0.0) continue;
      const double q = std::max(sum / filled / level_total, 1e-12);
      divergence += p * std::log(p / q);
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
