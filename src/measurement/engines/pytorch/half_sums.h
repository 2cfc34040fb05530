// What 16-bit products are summed in.
#pragma once

#include <functional>
#include <string>

#include "measurement/engines/pytorch/aten.h"

namespace qb::pytorch {

// x [rows, columns] times a transposed weight [rows, columns], both f16.
using HalfProduct = std::function<at::Tensor(const at::Tensor& x, const at::Tensor& weight)>;

// Whether the product's sums are kept in f16 all along, as Arm's Compute Library does, and not in
// f32: asked with 1s that are added to 2048, which f16 loses.
bool sums_in_f16(const at::Device& device, const HalfProduct& product);

// "activations in f16", "activations and sums in f16".
std::string text_of(at::ScalarType type, bool has_f16_sums);

}  // namespace qb::pytorch
