// Integer kernels by oneDNN.
#include "measurement/engines/pytorch/convolution.h"
#include "measurement/engines/pytorch/integer.h"
#include "measurement/engines/pytorch/operator.h"

namespace qb::pytorch {
namespace {

// What a call says of its activations: codes, scale, zero point.
struct ActivationArguments {
  size_t codes, scale, zero_point;
  explicit ActivationArguments(const Operator& op)
      : codes(op.position_of("qx")),
        scale(op.position_of("x_scale")),
        zero_point(op.position_of("x_zero_point")) {}
  at::Tensor call(const Operator& op, const at::Tensor& x, const quant::ActivationFit& fit) const {
    return op.call({{codes, x},
                    {scale, static_cast<double>(fit.scale)},
                    {zero_point, static_cast<int64_t>(fit.zero_point)}});
  }
};

// A convolution's operator for weights, bias and activations of that fit. `output`: null for f32.
Result<Operator> find_convolution(Lowering& l, const ir::Node& node, const ConvolutionGeometry& g,
                                  const quant::ActivationFit& x_fit,
                                  const quant::ActivationFit* output) {
  const SignedWeight w = signed_weight(l, {&l.parameter(node.inputs[1])});
  const std::vector<int64_t> x_shape = g.padded_input_shape(l, node);
  const std::vector<int64_t> dilation = {1, 1};
  QB_TRY(const Operator prepack,
         Operator::find("onednn::qconv_prepack", {{"weight", w.codes},
                                                  {"w_scales", w.scales},
                                                  {"x_scale", static_cast<double>(x_fit.scale)},
                                                  {"x_zp", static_cast<int64_t>(x_fit.zero_point)},
                                                  {"stride", g.stride},
                                                  {"padding", g.symmetric_padding},
                                                  {"dilation", dilation},
                                                  {"groups", g.group_count},
                                                  {"x_shape", x_shape}}));
  const at::Tensor bias = node.inputs.size() > 2 ? l.f32_tensor(node.inputs[2]) : at::Tensor();
  return Operator::find(
      "onednn::qconv2d_pointwise",
      {{"qw", prepack.call({})},
       {"w_scale", w.scales},
       {"w_zero_point", w.zero_points},
       {"bias", optional_tensor(bias)},
       {"stride", g.stride},
       {"padding", g.symmetric_padding},
       {"dilation", dilation},
       {"groups", g.group_count},
       {"output_scale", output ? static_cast<double>(output->scale) : 1.0},
       {"output_zero_point", output ? static_cast<int64_t>(output->zero_point) : int64_t{0}},
       {"output_dtype", static_cast<int64_t>(output ? at::kByte : at::kFloat)},
       {"attr", "none"},
       {"scalars", no_scalars()},
       {"algorithm", ""}});
}

}  // namespace

Result<Product> onednn_product(Lowering& l, ir::Value x,
                               const std::vector<const bundle::Parameter*>& weights,
                               const at::Tensor& bias) {
  const SignedWeight w = signed_weight(l, weights);
  QB_TRY(const Operator prepack, Operator::find("onednn::qlinear_prepack", {{"weight", w.codes}}));
  QB_TRY(const Operator product, Operator::find("onednn::qlinear_pointwise",
                                                {{"qw", prepack.call({})},
                                                 {"w_scale", w.scales},
                                                 {"w_zero_point", w.zero_points},
                                                 {"bias", optional_tensor(bias)},
                                                 {"output_scale", 1.0},
                                                 {"output_zero_point", int64_t{0}},
                                                 {"output_dtype", static_cast<int64_t>(at::kFloat)},
                                                 {"post_op_name", "none"},
                                                 {"post_op_args", no_scalars()},
                                                 {"post_op_algorithm", ""}}));
  l.note("linear", "onednn::qlinear_pointwise, u8 activations, s8 weights");
  l.count("qlinear_pointwise");
  const ActivationArguments arguments(product);
  const bundle::Activation rounding = l.rounding(x);
  if (rounding.mode == quant::Activations::measured)
    return Product{
        .call = [=, fit = rounding.fit](
                    const at::Tensor& codes) { return arguments.call(product, codes, fit); },
        .reads_codes = true};
  return Product{[=](const at::Tensor& values) {
    const quant::ActivationFit fit = fit_of(values);
    return arguments.call(product, to_codes(values, fit), fit);
  }};
}

Result<void> onednn_conv2d(Lowering& l, const ir::Node& node) {
  const ir::Value x = node.inputs[0];
  const ConvolutionGeometry g(node);
  const bool is_measured = l.is_measured(x);
  const ir::Value target = l.rectified(node.output);
  const bool gives_codes = is_measured && l.is_measured(target);
  const quant::ActivationFit output_fit = l.rounding(target).fit;
  // Rounded at each run: the prepacked weight holds for any fit, which the call brings.
  const quant::ActivationFit x_fit =
      is_measured ? l.rounding(x).fit : quant::ActivationFit{1.0f, 128};
  QB_TRY(const Operator op,
         find_convolution(l, node, g, x_fit, gives_codes ? &output_fit : nullptr));
  const ActivationArguments arguments(op);
  l.note("conv2d", gives_codes
                       ? "onednn::qconv2d_pointwise, u8 activations in and out, s8 weights"
                       : "onednn::qconv2d_pointwise, u8 activations in, f32 out, s8 weights");
  l.count("qconv2d_pointwise");
  const Slot in = is_measured ? l.measured_codes(x).slot : l.operand(x);
  const Slot out = gives_codes ? l.claim_codes(target).slot : l.result(node.output);
  l.add_step({in}, [=](Frame& frame) {
    const at::Tensor& input = frame.slots[in];
    const quant::ActivationFit fit = is_measured ? x_fit : fit_of(input);
    const at::Tensor codes = is_measured ? input : to_codes(input, fit);
    frame.slots[out] = arguments.call(op, g.pad(codes, fit.zero_point), fit);
  });
  return {};
}

}  // namespace qb::pytorch
