// Operators that are one or two MLX calls.
#include "engines/mlx/lowering.h"

namespace qb::mlx {
namespace {

// An operand beside pictures, whose last dimension is the channel here: [channels, 1, 1], say, as
// [1, 1, 1, channels].
mx::array beside_pictures(const mx::array& x) {
  mx::Shape shape(4 - x.ndim(), 1);
  for (const mx::ShapeElem extent : x.shape()) shape.push_back(extent);
  return mx::transpose(mx::reshape(x, shape), {0, 2, 3, 1});
}

template <typename Operation>
Result<void> lower_elementwise(Lowering& l, const ir::Node& node, Operation operation) {
  const bool is_picture = l.is_picture(node.output);
  const auto fitting = [is_picture](const mx::array& x) {
    return is_picture && x.ndim() < 4 ? beside_pictures(x) : x;
  };
  l.add_binary(node, [fitting, operation](const mx::array& a, const mx::array& b) {
    return operation(fitting(a), fitting(b));
  });
  return {};
}

}  // namespace

Result<void> lower_add(Lowering& l, const ir::Node& node) {
  return lower_elementwise(l, node,
                           [](const mx::array& a, const mx::array& b) { return mx::add(a, b); });
}

Result<void> lower_multiply(Lowering& l, const ir::Node& node) {
  return lower_elementwise(
      l, node, [](const mx::array& a, const mx::array& b) { return mx::multiply(a, b); });
}

Result<void> lower_silu(Lowering& l, const ir::Node& node) {
  l.add_unary(node, [](const mx::array& x) { return mx::multiply(x, mx::sigmoid(x)); });
  return {};
}

Result<void> lower_sigmoid(Lowering& l, const ir::Node& node) {
  l.add_unary(node, [](const mx::array& x) { return mx::sigmoid(x); });
  return {};
}

Result<void> lower_relu6(Lowering& l, const ir::Node& node) {
  const mx::array zero = mx::astype(mx::array(0.0f), l.compute_type());
  const mx::array six = mx::astype(mx::array(6.0f), l.compute_type());
  l.add_unary(node, [zero, six](const mx::array& x) { return mx::clip(x, zero, six); });
  return {};
}

Result<void> lower_select_positions(Lowering& l, const ir::Node& node) {
  l.add_binary(node, [](const mx::array& x, const mx::array& positions) {
    return mx::take(x, positions, 1);
  });
  return {};
}

Result<void> lower_global_average_pool(Lowering& l, const ir::Node& node) {
  l.add_unary(node, [](const mx::array& x) {
    return mx::mean(x, std::vector<int>{1, 2}, /*keepdims=*/true);
  });
  return {};
}

// In the order of NCHW, which is what the weights behind it were trained for.
Result<void> lower_flatten(Lowering& l, const ir::Node& node) {
  const bool is_picture = l.is_picture(node.inputs[0]);
  l.add_unary(node, [is_picture](const mx::array& x) {
    return mx::reshape(is_picture ? mx::transpose(x, {0, 3, 1, 2}) : x, {x.shape(0), -1});
  });
  return {};
}

}  // namespace qb::mlx
