// Normalisations along the last dimension, or along stretches of it as wide as the weight.
#include <cmath>

#include "compression/reference/kernels.h"

namespace qb::reference {
namespace {

double sum_of_squares(std::span<const float> x, double mean = 0.0) {
  double sum = 0.0;
  for (const float value : x) sum += (value - mean) * (value - mean);
  return sum;
}

// f(x, out) of each stretch.
template <typename F>
Result<void> each_stretch(const KernelArguments& a, size_t width, F f) {
  for (size_t start = 0; start < a.out_values.size(); start += width)
    f(a.inputs[0].values.subspan(start, width), a.out_values.subspan(start, width));
  return {};
}

// y = x / sqrt(mean(x^2) + epsilon) * weight (Zhang and Sennrich 2019).
Result<void> rms_norm(const KernelArguments& a) {
  const std::span<const float> weight = a.inputs[1].values;
  const double epsilon = a.attributes.real("epsilon");
  return each_stretch(a, weight.size(), [&](std::span<const float> x, std::span<float> out) {
    const double scale =
        1.0 / std::sqrt(sum_of_squares(x) / static_cast<double>(x.size()) + epsilon);
    for (size_t i = 0; i < x.size(); ++i) out[i] = static_cast<float>(x[i] * scale) * weight[i];
  });
}

// y = (x - mean(x)) / sqrt(variance(x) + epsilon) * weight + bias (Ba et al. 2016).
Result<void> layer_norm(const KernelArguments& a) {
  const std::span<const float> weight = a.inputs[1].values;
  const std::span<const float> bias = a.inputs[2].values;
  const double epsilon = a.attributes.real("epsilon");
  return each_stretch(a, weight.size(), [&](std::span<const float> x, std::span<float> out) {
    double mean = 0.0;
    for (const float value : x) mean += value / static_cast<double>(x.size());
    const double variance = sum_of_squares(x, mean) / static_cast<double>(x.size());
    const double scale = 1.0 / std::sqrt(variance + epsilon);
    for (size_t i = 0; i < x.size(); ++i)
      out[i] = static_cast<float>((x[i] - mean) * scale) * weight[i] + bias[i];
  });
}

Result<void> l2_normalize(const KernelArguments& a) {
  const auto width = static_cast<size_t>(a.inputs[0].last());
  return each_stretch(a, width, [](std::span<const float> x, std::span<float> out) {
    const double scale = 1.0 / std::max(std::sqrt(sum_of_squares(x)), 1e-12);
    for (size_t i = 0; i < x.size(); ++i) out[i] = static_cast<float>(x[i] * scale);
  });
}

constexpr KernelRow rows[] = {
    {ir::Op::rms_norm, rms_norm},
    {ir::Op::layer_norm, layer_norm},
    {ir::Op::l2_normalize, l2_normalize},
};

}  // namespace

std::span<const KernelRow> norm_kernels() { return rows; }

}  // namespace qb::reference
