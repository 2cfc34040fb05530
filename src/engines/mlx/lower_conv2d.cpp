// conv2d and batch_norm, over NHWC.
#include <cmath>

#include "engines/mlx/lowering.h"

namespace qb::mlx {
namespace {

// [out, in, height, width] as [out, height, width, in].
mx::array to_channels_last(const mx::array& weight) { return mx::transpose(weight, {0, 2, 3, 1}); }

// Gives the weight for a run.
using Kernel = std::function<mx::array()>;

// MLX has no convolution of quantized weights: they are stored packed and made f32 at each run
// (docs/decisions/0003).
Result<Kernel> convolution_weight(Lowering& l, ir::Value value) {
  if (!l.is_quantized(value)) {
    mx::array weight = mx::contiguous(to_channels_last(l.stored_array(value)));
    weight.eval();
    const bool is_widened = weight.dtype() != l.compute_type();
    l.note("conv2d", !is_widened ? "convolution in the weights' type"
                                 : "convolution in f32, 16-bit weights widened at each run");
    return [weight, type = l.compute_type()] { return mx::astype(weight, type); };
  }
  QB_TRY(const QuantizedWeight* weight, l.quantized(value));
  l.note("conv2d", "convolution in f32; its weights are stored packed and dequantized at each run");
  l.count("dequantize");
  return [w = *weight, shape = shape_of(l.parameter(value).shape)] {
    return to_channels_last(mx::reshape(dequantized(w), shape));
  };
}

}  // namespace

Result<void> lower_conv2d(Lowering& l, const ir::Node& node) {
  const ir::Attributes& a = node.attributes;
  const auto stride = a.integers("stride");
  const auto padding = a.integers("padding");
  const auto pair = [](int64_t down, int64_t right) {
    return std::vector<int>{static_cast<int>(down), static_cast<int>(right)};
  };
  QB_TRY(const Kernel kernel, convolution_weight(l, node.inputs[1]));
  std::optional<mx::array> bias;
  if (node.inputs.size() > 2) bias = l.stored_array(node.inputs[2]);
  l.add_unary(node, [kernel, bias, strides = pair(stride[0], stride[1]),
                     before = pair(padding[0], padding[1]), after = pair(padding[2], padding[3]),
                     groups = static_cast<int>(a.integer("group_count"))](const mx::array& x) {
    const mx::array y =
        mx::conv_general(x, kernel(), strides, before, after, {1, 1}, {1, 1}, groups);
    return bias ? mx::add(y, *bias) : y;
  });
  l.count("conv_general");
  return {};
}

// y = x * a + b, with a and b of each channel made once from the statistics.
Result<void> lower_batch_norm(Lowering& l, const ir::Node& node) {
  const auto values = [&](size_t input) { return l.parameter(node.inputs[input]).f32(); };
  const double epsilon = node.attributes.real("epsilon");
  std::vector<float> factors, offsets;
  for (size_t i = 0; i < values(1).size(); ++i) {
    const double factor = values(1)[i] / std::sqrt(static_cast<double>(values(4)[i]) + epsilon);
    factors.push_back(static_cast<float>(factor));
    offsets.push_back(static_cast<float>(values(2)[i] - values(3)[i] * factor));
  }
  const mx::Shape shape = shape_of({{static_cast<int64_t>(factors.size())}});
  const auto typed = [&](const std::vector<float>& v) {
    return mx::astype(mx::array(v.data(), shape, mx::float32), l.compute_type());
  };
  const bool is_picture = l.is_picture(node.inputs[0]);
  if (!is_picture) return fail(Errc::unsupported, "MLX's engine normalises pictures only");
  l.add_unary(node, [a = typed(factors), b = typed(offsets)](const mx::array& x) {
    return mx::add(mx::multiply(x, a), b);
  });
  return {};
}

}  // namespace qb::mlx
