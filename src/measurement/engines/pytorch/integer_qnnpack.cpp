// Integer kernels by QNNPACK, for builds without oneDNN.
#include <limits>

#include "measurement/engines/pytorch/convolution.h"
#include "measurement/engines/pytorch/integer.h"
#include "measurement/engines/pytorch/operator.h"

namespace qb::pytorch {
namespace {

// QNNPACK packs weights at the first call: that is made here, and what they were packed from goes.
void pack_by(const std::function<void()>& first_call) {
  at::Context& context = at::globalContext();
  const bool before = context.releaseWeightsWhenPrepacking();
  context.setReleaseWeightsWhenPrepacking(true);
  first_call();
  context.setReleaseWeightsWhenPrepacking(before);
}

at::Tensor quantized_weight(const SignedWeight& w) {
  return at::_make_per_channel_quantized_tensor(w.codes, w.scales, w.zero_points.to(at::kLong),
                                                /*axis=*/0);
}

// Biases are added as whole numbers of (input scale x weight scale), which beside weights that are
// next to nothing leave 32 bits, and that step over the output's must be a normal float. Coarser
// steps for such weights: what they add is less than the result's codes show.
at::Tensor smallest_steps(const at::Tensor& bias, int64_t row_count, double x_scale,
                          double output_scale) {
  constexpr double bias_codes_max = 1 << 30;
  constexpr double smallest_factor = 1e-30;
  const double smallest = smallest_factor * std::max(1.0, output_scale) / x_scale;
  const at::Tensor steps =
      bias.defined() ? bias.abs() / (bias_codes_max * x_scale) : at::zeros({row_count}, at::kFloat);
  return steps.clamp_min(smallest);
}

// codes and the range's ends, which meet weights of 0.
at::Tensor with_ends(const at::Tensor& codes, const at::Tensor& ends) {
  const at::Tensor rows = codes.reshape({-1, codes.size(-1)});
  return at::cat({rows, ends.expand({rows.size(0), ends.size(0)})}, 1);
}

}  // namespace

SignedWeight in_steps_of_at_least(const SignedWeight& weight, const at::Tensor& smallest) {
  const at::Tensor scales = at::maximum(weight.scales, smallest);
  std::vector<int64_t> by_row(static_cast<size_t>(weight.codes.dim()), 1);
  by_row[0] = -1;
  const at::Tensor factors = (weight.scales / scales).reshape(by_row);
  return {at::round(weight.codes.to(at::kFloat) * factors).to(at::kChar), scales,
          weight.zero_points};
}

// linear_dynamic rounds what it reads by the range that it finds, which is not to the bit how
// bundles are rounded. Here it reads codes, and beside them the ends of their range: so its step is
// 1, its zero point theirs, and nothing is rounded anew.
Result<CodesProduct> qnnpack_codes_product(Lowering& /*l*/, const SignedWeight& weight) {
  constexpr int64_t column_multiple = 8;  // of the kernel's vectors
  const int64_t column_count = weight.codes.size(1);
  const int64_t end_count =
      (column_count + 2 + column_multiple - 1) / column_multiple * column_multiple - column_count;
  const SignedWeight padded = {at::constant_pad_nd(weight.codes, {0, end_count}), weight.scales,
                               weight.zero_points};
  QB_TRY(const Operator prepack,
         Operator::find("quantized::linear_prepack", {{"W", quantized_weight(padded)}}));
  QB_TRY(const Operator product,
         Operator::find("quantized::linear_dynamic", {{"W_prepack", prepack.evaluate({})}}));
  at::Tensor ends = at::full({end_count}, 255.0f);
  ends[0] = 0.0f;
  const CodesProduct call = [=, x = product.position_of("X"), row_count = weight.codes.size(0)](
                                const at::Tensor& codes, int64_t zero_point) {
    std::vector<int64_t> shape = codes.sizes().vec();
    shape.back() = row_count;
    const at::Tensor input = with_ends(codes, at::sub(ends, static_cast<double>(zero_point)));
    return product.call({{x, input}}).reshape(shape);
  };
  pack_by([&] { call(at::zeros({1, column_count}), 0); });
  return call;
}

Result<Product> qnnpack_product(Lowering& l, ir::Value x,
                                const std::vector<const bundle::Parameter*>& weights,
                                const at::Tensor& bias) {
  QB_TRY(const CodesProduct product, qnnpack_codes_product(l, signed_weight(l, weights)));
  l.note("linear", "quantized::linear_dynamic (QNNPACK) of codes, u8 activations, s8 weights");
  l.count("quantized::linear_dynamic");
  const auto scaled = [product, bias](const at::Tensor& codes, const quant::ActivationFit& fit) {
    const at::Tensor y = product(codes, fit.zero_point).mul_(fit.scale);
    return bias.defined() ? at::add(y, bias) : y;
  };
  const bundle::Activation rounding = l.rounding(x);
  if (rounding.mode == quant::Activations::measured)
    return Product{.call =
                       [=, fit = rounding.fit](const at::Tensor& codes) {
                         return scaled(codes.to(at::kFloat).sub_(fit.zero_point), fit);
                       },
                   .reads_codes = true};
  return Product{[=](const at::Tensor& values) {
    const quant::ActivationFit fit = fit_of(values);
    const at::Tensor codes = at::div(values, fit.scale).round_();
    return scaled(codes.clamp_(-fit.zero_point, 255 - fit.zero_point), fit);
  }};
}

// Results come in 8 bits, rounded by a scale that the call brings.
Result<void> qnnpack_conv2d(Lowering& l, const ir::Node& node) {
  const ir::Value x = node.inputs[0];
  const ir::Value target = l.rectified(node.output);
  if (!l.is_measured(x) || !l.is_measured(target))
    return fail(Errc::unsupported,
                "without oneDNN, PyTorch has no integer convolution that gives f32: QNNPACK's "
                "rounds its results by a range that is known beforehand");
  const ConvolutionGeometry g(node);
  const quant::ActivationFit x_fit = l.rounding(x).fit;
  const quant::ActivationFit output_fit = l.rounding(target).fit;
  const at::Tensor bias = node.inputs.size() > 2 ? l.f32_tensor(node.inputs[2]) : at::Tensor();
  const SignedWeight stored = signed_weight(l, {&l.parameter(node.inputs[1])});
  const SignedWeight weight = in_steps_of_at_least(
      stored, smallest_steps(bias, stored.codes.size(0), x_fit.scale, output_fit.scale));
  const std::vector<int64_t> dilation = {1, 1};
  QB_TRY(const Operator prepack,
         Operator::find("quantized::conv2d_prepack", {{"weight", quantized_weight(weight)},
                                                      {"bias", optional_tensor(bias)},
                                                      {"stride", g.stride},
                                                      {"padding", g.symmetric_padding},
                                                      {"dilation", dilation},
                                                      {"groups", g.group_count}}));
  QB_TRY(const Operator op,
         Operator::find("quantized::conv2d.new",
                        {{"packed_weight", prepack.evaluate({})},
                         {"output_scale", static_cast<double>(output_fit.scale)},
                         {"output_zero_point", static_cast<int64_t>(output_fit.zero_point)}}));
  const auto convolve = [=, position = op.position_of("qx")](const at::Tensor& codes) {
    const at::Tensor padded = g.pad(codes, x_fit.zero_point);
    return bytes_of(op.call({{position, quantized_of(padded, x_fit)}}));
  };
  pack_by([&] { convolve(at::zeros(g.input_shape(l, node), at::kByte)); });
  l.note("conv2d", "quantized::conv2d (QNNPACK), u8 activations in and out, s8 weights");
  l.count("quantized::conv2d");
  const Slot in = l.measured_codes(x).slot;
  const Slot out = l.claim_codes(target).slot;
  l.add_step({in}, [=](Frame& frame) { frame.slots[out] = convolve(frame.slots[in]); });
  return {};
}

}  // namespace qb::pytorch
