// Functions of each value by itself.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "compression/reference/kernels.h"

namespace qb::reference {
namespace {

template <typename F>
Result<void> elementwise(const KernelArguments& a, F f) {
  std::ranges::transform(a.inputs[0].values, a.out_values.begin(), f);
  return {};
}

float relu6_of(float x) { return std::min(std::max(x, 0.0f), 6.0f); }

Result<void> silu(const KernelArguments& a) {
  return elementwise(a, [](float x) { return x / (1.0f + std::exp(-x)); });
}
Result<void> sigmoid(const KernelArguments& a) {
  return elementwise(a, [](float x) { return 1.0f / (1.0f + std::exp(-x)); });
}
Result<void> relu6(const KernelArguments& a) { return elementwise(a, relu6_of); }
Result<void> relu(const KernelArguments& a) {
  return elementwise(a, [](float x) { return std::max(x, 0.0f); });
}
// x Phi(x), by the error function.
Result<void> gelu(const KernelArguments& a) {
  return elementwise(
      a, [](float x) { return 0.5f * x * (1.0f + std::erf(x / std::numbers::sqrt2_v<float>)); });
}
Result<void> gelu_tanh(const KernelArguments& a) {
  const float factor = std::sqrt(2.0f / std::numbers::pi_v<float>);
  return elementwise(a, [factor](float x) {
    return 0.5f * x * (1.0f + std::tanh(factor * (x + 0.044715f * x * x * x)));
  });
}
Result<void> tanh(const KernelArguments& a) {
  return elementwise(a, [](float x) { return std::tanh(x); });
}
Result<void> hard_swish(const KernelArguments& a) {
  return elementwise(a, [](float x) { return x * relu6_of(x + 3.0f) / 6.0f; });
}
Result<void> hard_sigmoid(const KernelArguments& a) {
  return elementwise(a, [](float x) { return relu6_of(x + 3.0f) / 6.0f; });
}
Result<void> scale(const KernelArguments& a) {
  return elementwise(a, [factor = static_cast<float>(a.attributes.real("factor"))](float x) {
    return x * factor;
  });
}

constexpr KernelRow rows[] = {
    {ir::Op::silu, silu},
    {ir::Op::sigmoid, sigmoid},
    {ir::Op::relu6, relu6},
    {ir::Op::relu, relu},
    {ir::Op::gelu, gelu},
    {ir::Op::gelu_tanh, gelu_tanh},
    {ir::Op::tanh, tanh},
    {ir::Op::hard_swish, hard_swish},
    {ir::Op::hard_sigmoid, hard_sigmoid},
    {ir::Op::scale, scale},
};

}  // namespace

std::span<const KernelRow> activation_kernels() { return rows; }

}  // namespace qb::reference
