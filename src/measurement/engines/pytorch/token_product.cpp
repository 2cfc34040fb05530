// 8-bit activations with a scale for each token times symmetric 8-bit weights, as torchao's dynamic
// int8 linears compute: ATen rounds, _int_mm sums in integers, both scales follow.
#include <limits>

#include "measurement/engines/pytorch/products.h"

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

struct Rows {
  at::Tensor codes;   // s8 [rows, columns]
  at::Tensor scales;  // f32 [rows]
};

// Rows of several weights one after another. Code 128 is 0, so that its top bit is the sign's
// opposite.
Rows join(const Lowering& l, const std::vector<const bundle::Parameter*>& weights) {
  std::vector<at::Tensor> codes;
  std::vector<at::Tensor> scales;
  for (const bundle::Parameter* weight : weights) {
    const quant::PackedView& packed = weight->packed;
    const int64_t row_count = packed.layout.row_count;
    codes.push_back(
        l.tensor_of(packed.codes.data(), {row_count, packed.layout.column_count}, at::kByte));
    const auto scale_count = static_cast<int64_t>(packed.scales.size());
    scales.push_back(
        l.tensor_of(packed.scales.data(), {scale_count}, at::kFloat).expand({row_count}));
  }
  return {at::bitwise_xor(at::cat(codes), 128).view(at::kChar), at::cat(scales)};
}

}  // namespace

// The scale is that of quant::fit_token.
Result<Product> token_product(Lowering& l, const std::vector<const bundle::Parameter*>& weights,
                              const at::Tensor& bias) {
  QB_CHECK(check(l, weights[0]->packed.layout));
  const Rows w = join(l, weights);
  l.note("linear",
         "_int_mm, s8 activations with a scale for each token, s8 weights, f32 sums scaled after");
  l.count("_int_mm");
  return Product{[w, bias, columns = w.codes.t()](const at::Tensor& x) {
    const at::Tensor rows = x.reshape({-1, x.size(-1)});
    const at::Tensor scales = at::amax(rows.abs(), -1, /*keepdim=*/true)
                                  .div_(127.0)
                                  .clamp_min_(std::numeric_limits<float>::min());
    const at::Tensor codes = at::div(rows, scales).round_().to(at::kChar);
    const at::Tensor sums = at::_int_mm(codes, columns).to(at::kFloat);
    const at::Tensor y = sums.mul_(scales).mul_(w.scales);
    std::vector<int64_t> shape = x.sizes().vec();
    shape.back() = w.codes.size(0);
    return (bias.defined() ? at::add(y, bias) : y).reshape(shape);
  }};
}

}  // namespace qb::pytorch
