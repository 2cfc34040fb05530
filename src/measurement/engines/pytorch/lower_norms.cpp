// rms_norm, layer_norm and l2_normalize.
#include <cmath>

#include "measurement/engines/pytorch/lowering.h"

namespace qb::pytorch {
namespace {

// x / sqrt(mean x^2 + epsilon) * weight, Zhang and Sennrich 2019: at::rms_norm is this in more and
// slower calls on a CPU. One row's factor is a number, so that both products are one call.
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double epsilon,
                    const at::Tensor& epsilon_tensor, const at::Tensor& zero) {
  const at::Tensor norm = at::linalg_vector_norm(x, 2, at::IntArrayRef{-1}, /*keepdim=*/true);
  const double share = 1.0 / static_cast<double>(weight.numel());
  if (norm.numel() == 1 && x.device().is_cpu()) {
    const double length = norm.item<float>();
    return at::addcmul(zero, x, weight, 1.0 / std::sqrt(length * length * share + epsilon));
  }
  const at::Tensor factors = at::addcmul(epsilon_tensor, norm, norm, share).rsqrt_();
  return at::mul(x, factors).mul_(weight);
}

// f of x, or, where the weight is narrower than x, of each stretch of it that is as wide.
template <typename F>
void add_norm(Lowering& l, const ir::Node& node, const F& f) {
  const int64_t width = l.ir()[node.inputs[1]].shape.back().extent;
  if (l.ir()[node.inputs[0]].shape.back().extent == width) {
    l.add_step(node.output, node.inputs[0], f);
    return;
  }
  l.add_step(node.output, node.inputs[0], [f, width](const at::Tensor& x) {
    return f(x.unflatten(-1, {-1, width})).flatten(-2);
  });
}

Result<void> lower_rms_norm(Lowering& l, const ir::Node& node) {
  const at::Tensor weight = l.f32_tensor(node.inputs[1]);
  const double epsilon = node.attributes.real("epsilon");
  const auto options = at::TensorOptions().dtype(at::kFloat).device(l.device());
  add_norm(l, node,
           [=, epsilon_tensor = at::full({1}, epsilon, options), zero = at::zeros({1}, options)](
               const at::Tensor& x) { return rms_norm(x, weight, epsilon, epsilon_tensor, zero); });
  return {};
}

Result<void> lower_layer_norm(Lowering& l, const ir::Node& node) {
  const at::Tensor weight = l.f32_tensor(node.inputs[1]);
  const at::Tensor bias = l.f32_tensor(node.inputs[2]);
  add_norm(l, node, [=, epsilon = node.attributes.real("epsilon")](const at::Tensor& x) {
    return at::layer_norm(x, weight.sizes(), weight, bias, epsilon);
  });
  return {};
}

Result<void> lower_l2_normalize(Lowering& l, const ir::Node& node) {
  l.add_step(node.output, node.inputs[0], [](const at::Tensor& x) {
    return at::div(
        x, at::linalg_vector_norm(x, 2, at::IntArrayRef{-1}, /*keepdim=*/true).clamp_min_(1e-12));
  });
  return {};
}

constexpr LoweringRow rows[] = {
    {ir::Op::rms_norm, lower_rms_norm},
    {ir::Op::layer_norm, lower_layer_norm},
    {ir::Op::l2_normalize, lower_l2_normalize},
};

}  // namespace

std::span<const LoweringRow> norm_lowerings() { return rows; }

}  // namespace qb::pytorch
