// conv2d and batch_norm.
#include "engines/pytorch/convolution.h"
#include "engines/pytorch/onednn.h"
#include "engines/pytorch/products.h"

namespace qb::pytorch {

ConvolutionGeometry::ConvolutionGeometry(const ir::Node& node)
    : group_count(node.attributes.integer("group_count")) {
  const auto strides = node.attributes.integers("stride");
  const auto padding = node.attributes.integers("padding");  // top, left, bottom, right
  stride.assign(strides.begin(), strides.end());
  if (padding[0] == padding[2] && padding[1] == padding[3]) {
    symmetric_padding = {padding[0], padding[1]};
  } else {
    symmetric_padding = {0, 0};
    padding_before = {padding[1], padding[3], padding[0], padding[2]};
  }
}

at::Tensor ConvolutionGeometry::pad(const at::Tensor& x, double value) const {
  return padding_before.empty() ? x : at::constant_pad_nd(x, padding_before, value);
}

std::vector<int64_t> ConvolutionGeometry::padded_input_shape(const Lowering& l,
                                                             const ir::Node& node) const {
  std::vector<int64_t> shape = ir::bind(l.ir()[node.inputs[0]].shape, {.batch = l.options().batch});
  if (padding_before.empty()) return shape;
  shape[3] += padding_before[0] + padding_before[1];
  shape[2] += padding_before[2] + padding_before[3];
  return shape;
}

namespace {

// y = scale * x + offset for each channel: a batch norm in inference.
struct ChannelMap {
  at::Tensor scale, offset;  // f32 [channels]
};

ChannelMap channel_map(const Lowering& l, const ir::Node& norm) {
  const at::Tensor weight = l.f32_tensor(norm.inputs[1]);
  const at::Tensor bias = l.f32_tensor(norm.inputs[2]);
  const at::Tensor mean = l.f32_tensor(norm.inputs[3]);
  const at::Tensor variance = l.f32_tensor(norm.inputs[4]);
  const at::Tensor scale = weight / at::sqrt(variance + norm.attributes.real("epsilon"));
  return {scale, bias - mean * scale};
}

at::Tensor bias_of(const Lowering& l, const ir::Node& conv) {
  return conv.inputs.size() > 2 ? l.f32_tensor(conv.inputs[2]) : at::Tensor();
}

// oneDNN's convolution with its weight in oneDNN's own order, the batch norm after it folded in and
// the relu6 after that computed with it: what torch.compile makes of a frozen network.
Result<void> lower_frozen_conv2d(Lowering& l, const ir::Node& node, const at::Tensor& stored) {
  const ConvolutionGeometry g(node);
  at::Tensor weight = stored;
  at::Tensor bias = bias_of(l, node);
  ir::Value output = node.output;
  if (const ir::Node* norm = l.only_reader(output); norm && norm->op == ir::Op::batch_norm) {
    const ChannelMap map = channel_map(l, *norm);
    weight = weight * map.scale.reshape({-1, 1, 1, 1});
    bias = bias.defined() ? bias * map.scale + map.offset : map.offset;
    l.mark_done(*norm);
    output = norm->output;
  }
  const ir::Node* relu6 = l.only_reader(output);
  const bool is_clipped = relu6 && relu6->op == ir::Op::relu6;
  if (is_clipped) {
    l.mark_done(*relu6);
    output = relu6->output;
  }
  const std::vector<int64_t> dilation = {1, 1};
  QB_TRY(const OnednnOperator reorder,
         OnednnOperator::find("mkldnn::_reorder_convolution_weight",
                              {{"self", weight},
                               {"padding", g.symmetric_padding},
                               {"stride", g.stride},
                               {"dilation", dilation},
                               {"groups", g.group_count},
                               {"input_size", g.padded_input_shape(l, node)}}));
  QB_TRY(const OnednnOperator op,
         OnednnOperator::find("mkldnn::_convolution_pointwise",
                              {{"W", reorder.call({})},
                               {"B", bias.defined() ? c10::IValue(bias) : c10::IValue()},
                               {"padding", g.symmetric_padding},
                               {"stride", g.stride},
                               {"dilation", dilation},
                               {"groups", g.group_count},
                               {"attr", is_clipped ? "hardtanh" : "none"},
                               {"scalars", is_clipped ? scalars({0.0, 6.0}) : no_scalars()},
                               {"algorithm", ""}}));
  const size_t x = op.position_of("X");
  l.add_step(output, node.inputs[0], [=](const at::Tensor& input) {
    return op.call({{x, g.pad(input, 0.0).contiguous(at::MemoryFormat::ChannelsLast)}});
  });
  l.count("mkldnn::_convolution_pointwise");
  return {};
}

// conv2d as it stands, in the type of its weight.
void add_plain_conv2d(Lowering& l, const ir::Node& node,
                      const std::function<at::Tensor()>& weight) {
  const ConvolutionGeometry g(node);
  const at::Tensor bias = bias_of(l, node);
  l.add_step(node.output, node.inputs[0], [=](const at::Tensor& input) {
    const at::Tensor w = weight();
    const at::Tensor x = g.pad(input, 0.0).to(w.scalar_type());
    const at::Tensor y = at::conv2d(x, w, bias.defined() ? bias.to(w.scalar_type()) : bias,
                                    g.stride, g.symmetric_padding, {1, 1}, g.group_count);
    return y.to(at::kFloat);
  });
  l.count("conv2d");
}

}  // namespace

Result<void> lower_conv2d(Lowering& l, const ir::Node& node) {
  const bundle::Parameter& weight = l.parameter(node.inputs[1]);
  const bool is_quantized =
      weight.encoding == bundle::Encoding::packed || weight.encoding == bundle::Encoding::block;
  if (weight.encoding == bundle::Encoding::packed &&
      l.rounding(node.inputs[0]).mode != quant::Activations::none)
    return lower_integer_conv2d(l, node);
  if (is_quantized) {  // PyTorch has no convolution with weight-only quantized weights (decision 3)
    constexpr int64_t sizes[] = {256, 128, 64, 32, 16, 0};
    QB_TRY(const bundle::GroupedWeight w, bundle::group_weight(weight, sizes));
    l.note("conv2d", "conv2d in f32; its weights are stored packed and dequantized at each run");
    add_plain_conv2d(l, node, [dequantizer = Dequantizer(l, w), shape = weight.shape] {
      return dequantizer.all().reshape(shape);
    });
    return {};
  }
  const at::Tensor stored = l.stored_tensor(weight);
  const bool is_f32 = stored.scalar_type() == at::kFloat;
  if (is_f32 && l.device().is_cpu()) return lower_frozen_conv2d(l, node, stored);
  if (!is_f32)
    l.note("conv2d", fmt::format("conv2d, activations in {}",
                                 stored.scalar_type() == at::kHalf ? "f16" : "bf16"));
  add_plain_conv2d(l, node, [stored] { return stored; });
  return {};
}

Result<void> lower_batch_norm(Lowering& l, const ir::Node& node) {
  const ChannelMap map = channel_map(l, node);
  const at::Tensor scale = map.scale.reshape({-1, 1, 1});
  const at::Tensor offset = map.offset.reshape({-1, 1, 1});
  l.add_step(node.output, node.inputs[0],
             [scale, offset](const at::Tensor& x) { return at::addcmul(offset, x, scale); });
  return {};
}

}  // namespace qb::pytorch
