// GPTQ (Frantar et al. 2023): codes that make up for each other's errors, given what the layer's
// inputs look like.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "compression/quant/quantize.h"

namespace qb::quant {

// Codes, one a byte [row_count, column_count], for `weights` (row-major) and the fits of their
// groups. `hessian` [column_count, column_count], symmetric: the mean over inputs x of x xᵀ; it is
// damped by 1 % of its mean diagonal. Columns are taken in the order of falling diagonal
// (act-order); the groups stay those of the layout. Error: a hessian that can't be inverted.
Result<std::vector<uint8_t>> gptq_codes(std::span<const float> weights, const PackedLayout& layout,
                                        std::span<const GroupFit> fits,
                                        std::span<const float> hessian, int64_t thread_count);

}  // namespace qb::quant
