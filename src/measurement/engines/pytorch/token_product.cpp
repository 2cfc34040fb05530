// 8-bit activations with a scale for each token times symmetric 8-bit weights, as torchao's dynamic
// int8 linears compute: ATen rounds, _int_mm sums in integers, both scales follow. Without oneDNN
// _int_mm is a plain loop, and QNNPACK sums.
#include <limits>

#include "measurement/engines/pytorch/integer.h"

namespace qb::pytorch {
namespace {

Result<void> check(const Lowering& l, const quant::PackedLayout& layout) {
  if (!l.device().is_cpu())
    return fail(Errc::unsupported, "PyTorch's _int_mm runs on cpu only, not on {}",
                l.options().device);
  if (layout.bits == 8 && layout.symmetric && layout.groups_per_row() == 1) return {};
  return fail(Errc::unsupported,
              "a scale for each token takes symmetric 8-bit weights with one scale for each row or "
              "for all");
}

CodesProduct int_mm_product(Lowering& l, const SignedWeight& w) {
  l.note("linear",
         "_int_mm, s8 activations with a scale for each token, s8 weights, f32 sums scaled after");
  l.count("_int_mm");
  return [columns = w.codes.t(), scales = w.scales](const at::Tensor& codes, int64_t) {
    return at::_int_mm(codes.to(at::kChar), columns).to(at::kFloat).mul_(scales);
  };
}

Result<CodesProduct> codes_product(Lowering& l, const SignedWeight& w) {
  if (!l.has().qnnpack) return int_mm_product(l, w);
  l.note(
      "linear",
      "quantized::linear_dynamic (QNNPACK) of codes, s8 activations with a scale for each token, "
      "s8 weights");
  l.count("quantized::linear_dynamic");
  return qnnpack_codes_product(l, w);
}

}  // namespace

// The scale is that of quant::fit_token.
Result<Product> token_product(Lowering& l, const std::vector<const bundle::Parameter*>& weights,
                              const at::Tensor& bias) {
  QB_CHECK(check(l, weights[0]->packed.layout));
  const SignedWeight w = signed_weight(l, weights);
  QB_TRY(const CodesProduct product, codes_product(l, w));
  return Product{[=, row_count = w.codes.size(0)](const at::Tensor& x) {
    constexpr int64_t middle = 128;  // the zero point of symmetric codes
    const at::Tensor rows = x.reshape({-1, x.size(-1)});
    const at::Tensor scales = at::amax(rows.abs(), -1, /*keepdim=*/true)
                                  .div_(127.0)
                                  .clamp_min_(std::numeric_limits<float>::min());
    const at::Tensor y = product(at::div(rows, scales).round_(), middle).mul_(scales);
    std::vector<int64_t> shape = x.sizes().vec();
    shape.back() = row_count;
    return (bias.defined() ? at::add(y, bias) : y).reshape(shape);
  }};
}

}  // namespace qb::pytorch
