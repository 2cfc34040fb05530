// A convolution as a matrix product.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "compression/reference/kernels.h"
#include "network/ir/operators.h"

namespace qb::reference {

struct ConvolutionGeometry {
  int64_t channels, height, width;  // of one group's input
  int64_t kernel_height, kernel_width;
  int64_t stride_down, stride_right, top, left;
  int64_t out_height, out_width;
};
ConvolutionGeometry geometry_of(const ir::Attributes& attributes, std::span<const int64_t> x,
                                std::span<const int64_t> weight, std::span<const int64_t> out);

// columns [channels * kernel area, output area]: the input value under each tap; 0 outside the
// picture. `image` is one group's input.
void image_to_columns(const float* image, const ConvolutionGeometry& g, float* columns);

Result<void> conv2d(const KernelArguments& a);

}  // namespace qb::reference
