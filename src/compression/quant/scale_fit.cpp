// Scales and zero points searched: least squares, and half-quadratic splitting.
#include <vector>

#include "compression/quant/group_loops.h"

namespace qb::quant {
namespace {

constexpr double hqq_power = 0.7;
constexpr float hqq_scale_change = 0.04f;

// Sum of (value - decoded)^2.
double squared_error(const float* values, size_t count, GroupFit fit, int32_t bits) {
  const float inverse = 1.0f / fit.scale;
  const auto zero_point = static_cast<float>(fit.zero_point);
  const float top = static_cast<float>((1 << bits) - 1) + 0.5f;
  using Integers = int32_t __attribute__((vector_size(sizeof(Lanes))));
  Lanes sums = {};
  size_t i = 0;
  for (; i + lane_count <= count; i += lane_count) {
    const Lanes value = load(values + i);
    Lanes shifted = value * inverse + (zero_point + 0.5f);
    shifted = shifted > 0.0f ? shifted : Lanes{};
    shifted = shifted < top ? shifted : Lanes{} + top;
    const Lanes code = __builtin_convertvector(__builtin_convertvector(shifted, Integers), Lanes);
    const Lanes error = value - (code - zero_point) * fit.scale;
    sums += error * error;
  }
  double sum = 0.0;
  for (; i < count; ++i) {
    const float shifted = std::min(std::max(values[i] * inverse + (zero_point + 0.5f), 0.0f), top);
    const float error =
        values[i] - (static_cast<float>(static_cast<int32_t>(shifted)) - zero_point) * fit.scale;
    sum += static_cast<double>(error * error);
  }
  for (size_t j = 0; j < lane_count; ++j) sum += sums[j];
  return sum;
}

GroupFit fit_mse(std::span<const float> values, Range range, int32_t bits, bool symmetric) {
  constexpr int step_count = 48;
  GroupFit best = fit_range(range, bits, symmetric);
  double best_error = squared_error(values.data(), values.size(), best, bits);
  for (int step = 1; step <= step_count; ++step) {
    const float share = 1.0f - 0.6f * static_cast<float>(step) / step_count;
    const GroupFit fit = fit_range({range.low * share, range.high * share}, bits, symmetric);
    const double error = squared_error(values.data(), values.size(), fit, bits);
    if (error < best_error) {
      best_error = error;
      best = fit;
    }
  }
  return best;
}

// Sum of |value - decoded|^p over the step `unit`.
double lp_error(std::span<const float> values, std::span<const uint8_t> codes, const GroupFit& fit,
                float unit) {
  double sum = 0.0;
  for (size_t i = 0; i < values.size(); ++i) {
    const float error = std::fabs(values[i] - decoded_value(codes[i], fit)) / unit;
    sum += error > 0.0f ? std::pow(error, static_cast<float>(hqq_power)) : 0.0f;
  }
  return sum;
}

// Scale and zero point that map the codes onto the targets best: a least-squares line, its zero
// point rounded, then the scale again, kept near `unit`.
GroupFit fit_line(std::span<const float> targets, std::span<const uint8_t> codes,
                  const GroupFit& previous, float unit, int32_t bits, bool symmetric) {
  const auto count = static_cast<double>(targets.size());
  GroupFit fit = previous;
  if (!symmetric) {
    double code_sum = 0, target_sum = 0, product_sum = 0, square_sum = 0;
    for (size_t i = 0; i < targets.size(); ++i) {
      code_sum += codes[i];
      target_sum += targets[i];
      product_sum += static_cast<double>(codes[i]) * targets[i];
      square_sum += static_cast<double>(codes[i]) * codes[i];
    }
    const double spread = square_sum - code_sum * code_sum / count;
    const double slope = spread > 0 ? (product_sum - code_sum * target_sum / count) / spread : 0;
    if (!(slope > smallest_scale)) return previous;
    const double zero_point = -(target_sum - slope * code_sum) / count / slope;
    fit.zero_point = static_cast<int32_t>(
        std::lround(std::clamp(zero_point, 0.0, static_cast<double>((1 << bits) - 1))));
  }
  double product_sum = 0, square_sum = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    const double step = codes[i] - fit.zero_point;
    product_sum += step * targets[i];
    square_sum += step * step;
  }
  const double scale = square_sum > 0 ? product_sum / square_sum : unit;
  fit.scale = std::clamp(static_cast<float>(scale), (1.0f - hqq_scale_change) * unit,
                         (1.0f + hqq_scale_change) * unit);
  fit.scale = std::max(fit.scale, smallest_scale);
  return fit;
}

// sign(e) max(|e| - |e|^(p - 1) / beta, 0): the part of an error that is set aside.
float outlier_part(float error, double beta) {
  const double size = std::fabs(static_cast<double>(error));
  if (size == 0.0) return 0.0f;
  const double kept = size - std::pow(size, hqq_power - 1.0) / beta;
  return kept > 0.0 ? static_cast<float>(std::copysign(kept, error)) : 0.0f;
}

// Errors are measured in steps of the first scale, so that beta means the same for every group.
GroupFit fit_hqq(std::span<const float> values, Range range, int32_t bits, bool symmetric) {
  constexpr int iteration_count = 20;
  GroupFit fit = fit_range(range, bits, symmetric);
  const float unit = fit.scale;
  std::vector<uint8_t> codes(values.size());
  std::vector<float> targets(values.size());
  encode_values(values.data(), values.size(), fit, bits, codes.data());
  GroupFit best = fit;
  double best_error = lp_error(values, codes, fit, unit);
  double beta = 2.0;
  for (int iteration = 0; iteration < iteration_count; ++iteration, beta *= 1.05) {
    for (size_t i = 0; i < values.size(); ++i) {
      const float error = (values[i] - decoded_value(codes[i], fit)) / unit;
      targets[i] = values[i] - unit * outlier_part(error, beta);
    }
    fit = fit_line(targets, codes, fit, unit, bits, symmetric);
    encode_values(values.data(), values.size(), fit, bits, codes.data());
    const double error = lp_error(values, codes, fit, unit);
    if (error >= best_error) break;
    best_error = error;
    best = fit;
  }
  return best;
}

}  // namespace

GroupFit search_fit(std::span<const float> values, Range range, int32_t bits, bool symmetric,
                    ScaleFit fit) {
  return fit == ScaleFit::mse ? fit_mse(values, range, bits, symmetric)
                              : fit_hqq(values, range, bits, symmetric);
}

}  // namespace qb::quant
