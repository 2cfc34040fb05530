// Products with 4- and 8-bit weights by the kernels that PyTorch has for them.
#pragma once

#include <span>
#include <vector>

#include "measurement/engines/pytorch/products.h"

namespace qb::pytorch {

// The weights' rows one after another, their groups cut as lowering::group_weight says.
Result<lowering::GroupedWeight> group_rows(const std::vector<const bundle::Parameter*>& weights,
                                           std::span<const int64_t> sizes);

// Four-bit codes [rows, columns] two a byte.
enum class Nibble : uint8_t { low, high };
at::Tensor to_nibbles(const at::Tensor& codes, Nibble of_even);

Result<Product> int4_product(Lowering& l, const std::vector<const bundle::Parameter*>& weights,
                             const at::Tensor& bias);
// One group a row.
Product int8_product(Lowering& l, const lowering::GroupedWeight& w, const at::Tensor& bias);

}  // namespace qb::pytorch
