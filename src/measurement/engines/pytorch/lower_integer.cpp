// Which integer kernels serve.
#include "measurement/engines/pytorch/integer.h"

namespace qb::pytorch {
namespace {

Result<void> check(const Lowering& l, const bundle::Parameter& weight) {
  if (!l.device().is_cpu())
    return fail(Errc::unsupported, "PyTorch's integer kernels run on cpu only, not on {}",
                l.options().device);
  const quant::PackedLayout& layout = weight.packed.layout;
  if (layout.bits == 8 && layout.symmetric && layout.groups_per_row() == 1) return {};
  return fail(Errc::unsupported,
              "PyTorch's integer kernels take symmetric 8-bit weights with one scale for each row "
              "or for all");
}

tl::unexpected<Error> no_kernels() {
  return fail(Errc::unsupported,
              "this build of PyTorch has no integer kernels: neither oneDNN nor QNNPACK");
}

}  // namespace

SignedWeight signed_weight(Lowering& l, const std::vector<const bundle::Parameter*>& weights) {
  std::vector<int8_t> codes;
  std::vector<float> scales;
  for (const bundle::Parameter* weight : weights) {
    const quant::PackedView& packed = weight->packed;
    for (int64_t row = 0; row < packed.layout.row_count; ++row) {
      scales.push_back(packed.scale(row, 0));
      for (int64_t column = 0; column < packed.layout.column_count; ++column)
        codes.push_back(static_cast<int8_t>(packed.code(row, column) - 128));
    }
  }
  const auto row_count = static_cast<int64_t>(scales.size());
  std::vector<int64_t> shape = weights[0]->shape;
  shape[0] = row_count;
  return {l.tensor_of(codes.data(), shape, at::kChar),
          l.tensor_of(scales.data(), {row_count}, at::kFloat), at::zeros({row_count}, at::kInt)};
}

quant::ActivationFit fit_of(const at::Tensor& x) {
  const auto [low, high] = at::aminmax(x);
  return quant::fit_activation(low.item<float>(), high.item<float>());
}

Result<Product> integer_product(Lowering& l, ir::Value x,
                                const std::vector<const bundle::Parameter*>& weights,
                                const at::Tensor& bias) {
  QB_CHECK(check(l, *weights[0]));
  if (l.has().onednn) return onednn_product(l, x, weights, bias);
  if (l.has().qnnpack) return qnnpack_product(l, x, weights, bias);
  return no_kernels();
}

Result<void> lower_integer_conv2d(Lowering& l, const ir::Node& node) {
  QB_CHECK(check(l, l.parameter(node.inputs[1])));
  if (l.has().onednn) return onednn_conv2d(l, node);
  if (l.has().qnnpack) return qnnpack_conv2d(l, node);
  return no_kernels();
}

}  // namespace qb::pytorch
