// Scales and zero points searched: least squares, and half-quadratic splitting.
#include <bit>
#include <numbers>
#include <vector>

#include "compression/quant/group_loops.h"

namespace qb::quant {
namespace {

using Integers = int32_t __attribute__((vector_size(sizeof(Lanes))));

constexpr float hqq_power = 0.7f;
constexpr float hqq_scale_change = 0.04f;

// Sum of (value - decoded)^2.
double squared_error(const float* values, size_t count, GroupFit fit, int32_t bits) {
  const float inverse = 1.0f / fit.scale;
  const auto zero_point = static_cast<float>(fit.zero_point);
  const float top = static_cast<float>((1 << bits) - 1) + 0.5f;
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

// Of -0 too, which no comparison finds.
Lanes size_of(Lanes x) { return std::bit_cast<Lanes>(std::bit_cast<Integers>(x) & 0x7fffffff); }

// x^exponent of each lane, to a millionth; the C libraries' pow() have each their own last bits. A
// lane of +0 counts as 2^-127, none is less.
Lanes power_of(Lanes x, float exponent) {
  constexpr auto ln2 = std::numbers::ln2_v<float>;
  // x is 2^whole m, m in [sqrt(1/2), sqrt(2)); log2 of m is 2 / ln 2 atanh(t).
  const auto bits = std::bit_cast<Integers>(x);
  const Integers whole = (bits - std::bit_cast<int32_t>(0.5f * std::numbers::sqrt2_v<float>)) >> 23;
  const auto m = std::bit_cast<Lanes>(bits - whole * (1 << 23));
  const Lanes t = (m - 1.0f) / (m + 1.0f);
  const Lanes square = t * t;
  const Lanes series = ((square / 7.0f + 0.2f) * square + 1.0f / 3.0f) * square + 1.0f;
  const Lanes y = exponent * (__builtin_convertvector(whole, Lanes) + 2.0f / ln2 * t * series);
  // 2^y by e^(ln 2 (y - nearest)).
  const Integers nearest =
      __builtin_convertvector(y + (y > 0.0f ? 0.5f : Lanes{} - 0.5f), Integers);
  const Lanes z = (y - __builtin_convertvector(nearest, Lanes)) * ln2;
  Lanes sum = Lanes{} + 1.0f;
  for (int i = 7; i >= 1; --i) sum = 1.0f + sum * z * (1.0f / static_cast<float>(i));
  return std::bit_cast<Lanes>((nearest + 127) * (1 << 23)) * sum;
}

// What is left of values, in steps of `unit`; zeros behind it, up to whole lanes.
void find_errors(std::span<const float> values, std::span<const uint8_t> codes, const GroupFit& fit,
                 float unit, std::vector<float>& errors) {
  errors.assign((values.size() + lane_count - 1) / lane_count * lane_count, 0.0f);
  for (size_t i = 0; i < values.size(); ++i)
    errors[i] = (values[i] - decoded_value(codes[i], fit)) / unit;
}

// Sum of |error|^p.
double lp_error(std::span<const float> errors) {
  using Sums = double __attribute__((vector_size(lane_count * sizeof(double))));
  Sums sums = {};
  for (size_t i = 0; i < errors.size(); i += lane_count) {
    const Lanes error = load(errors.data() + i);
    sums += __builtin_convertvector(power_of(size_of(error), hqq_power), Sums);
  }
  double sum = 0.0;
  for (size_t j = 0; j < lane_count; ++j) sum += sums[j];
  return sum;
}

// sign(e) max(|e| - |e|^(p - 1) / beta, 0) of each: the part of an error that is set aside.
void keep_outliers(std::span<float> errors, float beta) {
  for (size_t i = 0; i < errors.size(); i += lane_count) {
    const Lanes error = load(errors.data() + i);
    const Lanes size = size_of(error);
    Lanes kept = size - power_of(size, hqq_power - 1.0f) / beta;
    kept = kept > 0.0f ? kept : Lanes{};
    kept = error < 0.0f ? -kept : kept;
    std::memcpy(errors.data() + i, &kept, sizeof kept);
  }
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

// Errors are measured in steps of the first scale, so that beta means the same for every group.
GroupFit fit_hqq(std::span<const float> values, Range range, int32_t bits, bool symmetric) {
  constexpr int iteration_count = 20;
  GroupFit fit = fit_range(range, bits, symmetric);
  const float unit = fit.scale;
  std::vector<uint8_t> codes(values.size());
  std::vector<float> targets(values.size());
  std::vector<float> errors;
  encode_values(values.data(), values.size(), fit, bits, codes.data());
  find_errors(values, codes, fit, unit, errors);
  GroupFit best = fit;
  double best_error = lp_error(errors);
  float beta = 2.0f;
  for (int iteration = 0; iteration < iteration_count; ++iteration, beta *= 1.05f) {
    keep_outliers(errors, beta);
    for (size_t i = 0; i < values.size(); ++i) targets[i] = values[i] - unit * errors[i];
    fit = fit_line(targets, codes, fit, unit, bits, symmetric);
    encode_values(values.data(), values.size(), fit, bits, codes.data());
    find_errors(values, codes, fit, unit, errors);
    const double error = lp_error(errors);
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
