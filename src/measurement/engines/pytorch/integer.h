// Integer kernels: 8-bit activations (unsigned) times symmetric 8-bit weights (signed). By oneDNN
// where it is, by QNNPACK otherwise.
#pragma once

#include <functional>
#include <vector>

#include "measurement/engines/pytorch/products.h"

namespace qb::pytorch {

struct SignedWeight {
  at::Tensor codes;        // s8, the weight's shape
  at::Tensor scales;       // f32 [rows]
  at::Tensor zero_points;  // i32 [rows], zeros
};
// Rows of several weights one after another.
SignedWeight signed_weight(Lowering& l, const std::vector<const bundle::Parameter*>& weights);

// The fit of the values' own range.
quant::ActivationFit fit_of(const at::Tensor& x);

Result<Product> onednn_product(Lowering& l, ir::Value x,
                               const std::vector<const bundle::Parameter*>& weights,
                               const at::Tensor& bias);
Result<void> onednn_conv2d(Lowering& l, const ir::Node& node);

// Whole numbers in f32, [..., columns] within [-zero_point, 255 - zero_point], times the codes of a
// weight: f32 [..., rows], exact sums times the rows' scales.
using CodesProduct = std::function<at::Tensor(const at::Tensor& codes, int64_t zero_point)>;
Result<CodesProduct> qnnpack_codes_product(Lowering& l, const SignedWeight& weight);
Result<Product> qnnpack_product(Lowering& l, ir::Value x,
                                const std::vector<const bundle::Parameter*>& weights,
                                const at::Tensor& bias);
// Errors: unsupported, where the result isn't a measured value too.
Result<void> qnnpack_conv2d(Lowering& l, const ir::Node& node);

// The weight in steps of at least `smallest` (f32 [rows]): rows of finer ones are rounded anew.
SignedWeight in_steps_of_at_least(const SignedWeight& weight, const at::Tensor& smallest);

}  // namespace qb::pytorch
