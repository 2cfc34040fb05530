// conv2d and batch_norm, over NHWC.
#include "measurement/engines/mlx/lowering.h"

namespace qb::mlx {
namespace {

// [out, in, height, width] as [out, height, width, in].
mx::array to_channels_last(const mx::array& weight) { return mx::transpose(weight, {0, 2, 3, 1}); }

// Gives the weight for a run.
using Kernel = std::function<mx::array()>;

// What a convolution does, with the batch norm that it takes over.
struct Convolution {
  Kernel kernel;
  std::optional<mx::array> bias;
  ir::Value output;
};

// MLX has no convolution of quantized weights: they are stored packed and made floats at each run
// (docs/decisions/0003).
Result<Kernel> convolution_weight(Lowering& l, ir::Value value) {
  if (!l.is_quantized(value)) {
    mx::array weight = mx::contiguous(to_channels_last(l.stored_array(value)));
    weight.eval();
    const bool is_widened = weight.dtype() != l.compute_type();
    l.note("conv2d", !is_widened ? fmt::format("convolution in {}", name_of(weight.dtype()))
                                 : "convolution in f32, 16-bit weights widened at each run");
    return [weight, type = l.compute_type()] { return mx::astype(weight, type); };
  }
  QB_TRY(const QuantizedWeight* weight, l.quantized(value));
  l.note("conv2d",
         fmt::format("convolution in {}; its weights are stored packed and dequantized at each run",
                     name_of(l.compute_type())));
  l.count("dequantize");
  return [w = *weight, shape = shape_of(l.parameter(value).shape)] {
    return to_channels_last(mx::reshape(dequantized(w), shape));
  };
}

Convolution folded(Lowering& l, const ir::Node& node, const ir::Node& norm) {
  const lowering::FoldedConvolution both = lowering::fold(l.bundle(), {&node, &norm});
  mx::array weight = mx::contiguous(
      to_channels_last(l.constant(both.weight, shape_of(l.parameter(node.inputs[1]).shape))));
  weight.eval();
  l.note("conv2d", fmt::format("convolution in {}", name_of(weight.dtype())));
  return {[weight] { return weight; },
          l.constant(both.bias, mx::Shape{static_cast<mx::ShapeElem>(both.bias.size())}),
          norm.output};
}

Result<Convolution> load_convolution(Lowering& l, const ir::Node& node) {
  if (const ir::Node* norm = l.transformations().norm_folded_into(node))
    return folded(l, node, *norm);
  Convolution convolution = {.output = node.output};
  QB_TRY(convolution.kernel, convolution_weight(l, node.inputs[1]));
  if (node.inputs.size() > 2) convolution.bias = l.stored_array(node.inputs[2]);
  return convolution;
}

Result<void> lower_conv2d(Lowering& l, const ir::Node& node) {
  const ir::Attributes& a = node.attributes;
  const auto stride = a.integers("stride");
  const auto padding = a.integers("padding");
  const auto pair = [](int64_t down, int64_t right) {
    return std::vector<int>{static_cast<int>(down), static_cast<int>(right)};
  };
  QB_TRY(const Convolution convolution, load_convolution(l, node));
  l.add_unary(
      node.inputs[0], convolution.output,
      [kernel = convolution.kernel, bias = convolution.bias, strides = pair(stride[0], stride[1]),
       before = pair(padding[0], padding[1]), after = pair(padding[2], padding[3]),
       groups = static_cast<int>(a.integer("group_count"))](const mx::array& x) {
        const mx::array y =
            mx::conv_general(x, kernel(), strides, before, after, {1, 1}, {1, 1}, groups);
        return bias ? mx::add(y, *bias) : y;
      });
  l.count("conv_general");
  return {};
}

// One that no convolution takes over: y = x * gain + offset, by channel.
Result<void> lower_batch_norm(Lowering& l, const ir::Node& node) {
  if (l.transformations().is_folded(node)) return {};
  if (!l.is_picture(node.inputs[0]))
    return fail(Errc::unsupported, "MLX's engine normalises pictures only");
  const ir::ChannelMap map = lowering::channel_map(l.bundle(), node);
  const mx::Shape shape = {static_cast<mx::ShapeElem>(map.gains.size())};
  l.add_unary(node, [gain = l.constant(map.gains, shape), offset = l.constant(map.offsets, shape)](
                        const mx::array& x) { return mx::add(mx::multiply(x, gain), offset); });
  return {};
}

constexpr LoweringRow rows[] = {
    {ir::Op::conv2d, lower_conv2d},
    {ir::Op::batch_norm, lower_batch_norm},
};

}  // namespace

std::span<const LoweringRow> conv2d_lowerings() { return rows; }

}  // namespace qb::mlx
