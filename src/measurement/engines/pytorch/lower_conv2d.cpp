// conv2d and batch_norm.
#include "measurement/engines/pytorch/convolution.h"
#include "measurement/engines/pytorch/half_sums.h"
#include "measurement/engines/pytorch/operator.h"
#include "measurement/engines/pytorch/products.h"

namespace qb::pytorch {
namespace {

// oneDNN orders a weight for a size that it is told, and takes any: this where the size is free.
constexpr int64_t likely_picture_px = 64;

}  // namespace

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

std::vector<int64_t> ConvolutionGeometry::input_shape(const Lowering& l,
                                                      const ir::Node& node) const {
  ir::Extents extents = worker::extents_of(l.options());
  extents.set(ir::Symbol::height, likely_picture_px);
  extents.set(ir::Symbol::width, likely_picture_px);
  return ir::bind(l.ir()[node.inputs[0]].shape, extents);
}

std::vector<int64_t> ConvolutionGeometry::padded_input_shape(const Lowering& l,
                                                             const ir::Node& node) const {
  std::vector<int64_t> shape = input_shape(l, node);
  if (padding_before.empty()) return shape;
  shape[3] += padding_before[0] + padding_before[1];
  shape[2] += padding_before[2] + padding_before[3];
  return shape;
}

namespace {

at::Tensor bias_of(Lowering& l, const ir::Node& conv) {
  return conv.inputs.size() > 2 ? l.f32_tensor(conv.inputs[2]) : at::Tensor();
}

struct WeightAndBias {
  at::Tensor weight, bias;
};

// Of f32 convolutions, with the batch norm after it folded in where there is one to fold; `output`
// is the value that the two compute.
struct FloatConvolution {
  at::Tensor weight, bias;
  ir::Value output;
};

FloatConvolution float_convolution(Lowering& l, const ir::Node& node) {
  const bundle::Parameter& weight = l.parameter(node.inputs[1]);
  const ir::Node* norm = l.transformations().norm_folded_into(node);
  if (!norm) return {l.stored_tensor(weight), bias_of(l, node), node.output};
  const lowering::FoldedConvolution folded = lowering::fold(l.bundle(), {&node, norm});
  return {l.tensor_of(folded.weight.data(), weight.shape, at::kFloat),
          l.tensor_of(folded.bias.data(), {weight.shape[0]}, at::kFloat), norm->output};
}

// What oneDNN computes along with a convolution; empty: nothing.
std::string_view fused_name(const ir::Node* reader) {
  if (!reader) return "";
  if (reader->op == ir::Op::relu6) return "hardtanh";
  if (reader->op == ir::Op::relu) return "relu";
  if (reader->op == ir::Op::hard_swish) return "hardswish";
  return reader->op == ir::Op::hard_sigmoid ? "hardsigmoid" : "";
}

// oneDNN's convolution with its weight in oneDNN's own order, and the activation after it computed
// with it: what torch.compile makes of a frozen network.
Result<void> lower_frozen_conv2d(Lowering& l, const ir::Node& node) {
  const ConvolutionGeometry g(node);
  FloatConvolution convolution = float_convolution(l, node);
  ir::Value& output = convolution.output;
  const ir::Node* reader = l.only_reader(output);
  const std::string_view fused = fused_name(reader);
  if (!fused.empty()) {
    l.mark_done(*reader);
    output = reader->output;
  }
  const std::vector<int64_t> dilation = {1, 1};
  QB_TRY(const Operator reorder, Operator::find("mkldnn::_reorder_convolution_weight",
                                                {{"self", convolution.weight},
                                                 {"padding", g.symmetric_padding},
                                                 {"stride", g.stride},
                                                 {"dilation", dilation},
                                                 {"groups", g.group_count},
                                                 {"input_size", g.padded_input_shape(l, node)}}));
  QB_TRY(const Operator op,
         Operator::find("mkldnn::_convolution_pointwise",
                        {{"W", reorder.call({})},
                         {"B", optional_tensor(convolution.bias)},
                         {"padding", g.symmetric_padding},
                         {"stride", g.stride},
                         {"dilation", dilation},
                         {"groups", g.group_count},
                         {"attr", fused.empty() ? "none" : std::string(fused)},
                         {"scalars", fused == "hardtanh" ? scalars({0.0, 6.0}) : no_scalars()},
                         {"algorithm", ""}}));
  const size_t x = op.position_of("X");
  l.add_step(output, node.inputs[0], [=](const at::Tensor& input) {
    return op.call({{x, g.pad(input, 0.0).contiguous(at::MemoryFormat::ChannelsLast)}});
  });
  l.count("mkldnn::_convolution_pointwise");
  return {};
}

// conv2d as it stands, in the type of its weight. Without oneDNN, ATen's own loops over depthwise
// kernels take up to five times as long with the channels of each point beside each other.
void add_plain_conv2d(Lowering& l, const ir::Node& node, at::ScalarType type,
                      const std::function<at::Tensor()>& weight, const at::Tensor& bias,
                      ir::Value output) {
  const ConvolutionGeometry g(node);
  const at::Tensor typed_bias = bias.defined() ? bias.to(type) : bias;
  const bool keeps_order = !l.device().is_cpu() || l.has().onednn;
  l.add_step(output, node.inputs[0], [=](const at::Tensor& input) {
    const at::Tensor x = g.pad(input, 0.0).to(type);
    return at::conv2d(keeps_order ? x : x.contiguous(), weight(), typed_bias, g.stride,
                      g.symmetric_padding, {1, 1}, g.group_count)
        .to(at::kFloat);
  });
  l.count("conv2d");
}

// A row is a picture of one point.
at::Tensor multiply_by_convolution(const at::Tensor& x, const at::Tensor& weight) {
  const auto pointwise = [](const at::Tensor& t) { return t.unsqueeze(-1).unsqueeze(-1); };
  return at::conv2d(pointwise(x), pointwise(weight));
}

Result<void> lower_conv2d(Lowering& l, const ir::Node& node) {
  const bundle::Parameter& weight = l.parameter(node.inputs[1]);
  const bool is_quantized =
      weight.encoding == bundle::Encoding::packed || weight.encoding == bundle::Encoding::block;
  if (weight.encoding == bundle::Encoding::packed &&
      l.rounding(node.inputs[0]).mode != quant::Activations::none)
    return lower_integer_conv2d(l, node);
  if (is_quantized) {  // PyTorch has no convolution with weight-only quantized weights (decision 3)
    constexpr int64_t sizes[] = {256, 128, 64, 32, 16, 0};
    QB_TRY(const lowering::GroupedWeight w, lowering::group_weight(weight, sizes));
    l.note("conv2d", "conv2d in f32; its weights are stored packed and dequantized at each run");
    add_plain_conv2d(
        l, node, at::kFloat,
        [dequantizer = Dequantizer(l, w), shape = weight.shape] {
          return dequantizer.all().reshape(shape);
        },
        bias_of(l, node), node.output);
    return {};
  }
  if (weight.encoding == bundle::Encoding::f32) {
    if (l.device().is_cpu() && l.has().onednn) return lower_frozen_conv2d(l, node);
    const FloatConvolution c = float_convolution(l, node);
    add_plain_conv2d(l, node, at::kFloat, [w = c.weight] { return w; }, c.bias, c.output);
    return {};
  }
  const at::Tensor stored = l.stored_tensor(weight);
  const at::ScalarType type = stored.scalar_type();
  const bool has_f16_sums = type == at::kHalf && sums_in_f16(l.device(), multiply_by_convolution);
  l.note("conv2d", "conv2d, " + text_of(type, has_f16_sums));
  add_plain_conv2d(l, node, type, [stored] { return stored; }, bias_of(l, node), node.output);
  return {};
}

Result<void> lower_batch_norm(Lowering& l, const ir::Node& node) {
  if (l.transformations().is_folded(node)) return {};
  const ir::ChannelMap map = lowering::channel_map(l.bundle(), node);
  const auto by_channel = [&](const std::vector<float>& values) {
    return l.tensor_of(values.data(), {static_cast<int64_t>(values.size()), 1, 1}, at::kFloat);
  };
  l.add_step(node.output, node.inputs[0],
             [gains = by_channel(map.gains), offsets = by_channel(map.offsets)](
                 const at::Tensor& x) { return at::addcmul(offsets, x, gains); });
  return {};
}

constexpr LoweringRow rows[] = {
    {ir::Op::conv2d, lower_conv2d},
    {ir::Op::batch_norm, lower_batch_norm},
};

}  // namespace

std::span<const LoweringRow> conv2d_lowerings() { return rows; }

}  // namespace qb::pytorch
