// rms_norm, layer_norm and l2_normalize.
#include "measurement/engines/mlx/lowering.h"

namespace qb::mlx {
namespace {

// f of x, or, where the weight is narrower than x, of each stretch of it that is as wide.
template <typename F>
void add_norm(Lowering& l, const ir::Node& node, const F& f) {
  const auto width = static_cast<int>(l.ir()[node.inputs[1]].shape.back().extent);
  if (l.ir()[node.inputs[0]].shape.back().extent == width) {
    l.add_unary(node, f);
    return;
  }
  l.add_unary(node, [f, width](const mx::array& x) {
    return mx::reshape(f(mx::unflatten(x, -1, {-1, width})), x.shape());
  });
}

float epsilon_of(const ir::Node& node) {
  return static_cast<float>(node.attributes.real("epsilon"));
}

Result<void> lower_rms_norm(Lowering& l, const ir::Node& node) {
  add_norm(l, node,
           [weight = l.stored_array(node.inputs[1]), epsilon = epsilon_of(node)](
               const mx::array& x) { return mx::fast::rms_norm(x, weight, epsilon); });
  l.count("rms_norm");
  return {};
}

Result<void> lower_layer_norm(Lowering& l, const ir::Node& node) {
  add_norm(l, node,
           [weight = l.stored_array(node.inputs[1]), bias = l.stored_array(node.inputs[2]),
            epsilon = epsilon_of(node)](const mx::array& x) {
             return mx::fast::layer_norm(x, weight, bias, epsilon);
           });
  l.count("layer_norm");
  return {};
}

Result<void> lower_l2_normalize(Lowering& l, const ir::Node& node) {
  l.add_unary(node, [](const mx::array& x) {
    const mx::array length = mx::linalg::norm(x, -1, /*keepdims=*/true);
    return mx::divide(x, mx::maximum(length, mx::array(1e-12f, x.dtype())));
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

}  // namespace qb::mlx
