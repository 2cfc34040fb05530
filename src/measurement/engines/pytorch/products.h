// x times a transposed weight, by the kernel that the weight's storage asks for.
#pragma once

#include <functional>
#include <vector>

#include "measurement/engines/pytorch/lowering.h"
#include "measurement/lowering/grouped_weight.h"

namespace qb::pytorch {

// y = x W^T + bias: [..., in] to f32 [..., rows].
struct Product {
  std::function<at::Tensor(const at::Tensor& x)> call;
  bool reads_codes = false;  // x are the u8 codes of a measured value
};

// Several weights stand for one: their rows one after another. `bias` may be undefined.
Result<Product> float_product(Lowering& l, const std::vector<const bundle::Parameter*>& weights,
                              const at::Tensor& bias);
Result<Product> weight_only_product(Lowering& l,
                                    const std::vector<const bundle::Parameter*>& weights,
                                    const at::Tensor& bias);
// 8-bit activations, of the value x, times 8-bit weights; in lower_integer.cpp. Errors:
// unsupported, for weights of another kind and devices other than the cpu.
Result<Product> integer_product(Lowering& l, ir::Value x,
                                const std::vector<const bundle::Parameter*>& weights,
                                const at::Tensor& bias);

// 8-bit activations with a scale for each token times 8-bit weights; in token_product.cpp. Errors
// as of integer_product.
Result<Product> token_product(Lowering& l, const std::vector<const bundle::Parameter*>& weights,
                              const at::Tensor& bias);

// Groups of codes on the device, 4-bit ones two a byte, turned into f32 by ATen calls.
class Dequantizer {
 public:
  Dequantizer(const Lowering& l, const lowering::GroupedWeight& w);
  // Of the rows of those indices (i64 [n]): f32 [n, columns].
  at::Tensor rows(const at::Tensor& indices) const;
  // Of all rows.
  at::Tensor all() const;

 private:
  at::Tensor decode(const at::Tensor& codes, const at::Tensor& scales,
                    const at::Tensor& minimums) const;

  at::Tensor codes_;              // u8 [rows, stored columns, or half as many]
  at::Tensor scales_, minimums_;  // f32 [rows, groups]
  int64_t column_count_;
  bool is_nibbles_;
};

}  // namespace qb::pytorch
