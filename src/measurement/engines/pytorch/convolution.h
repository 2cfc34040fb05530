// What the convolution kernels share.
#pragma once

#include <vector>

#include "measurement/engines/pytorch/lowering.h"

namespace qb::pytorch {

// Strides, paddings and groups as PyTorch takes them: padding that differs from side to side (as
// TensorFlow's SAME does) is put around the input beforehand.
struct ConvolutionGeometry {
  std::vector<int64_t> stride;  // down, right
  std::vector<int64_t>
      symmetric_padding;                // top and bottom, left and right; zeros when padded before
  std::vector<int64_t> padding_before;  // left, right, top, bottom; empty: none
  int64_t group_count = 1;

  explicit ConvolutionGeometry(const ir::Node& node);
  // NCHW, with `value` around it where padding_before asks.
  at::Tensor pad(const at::Tensor& x, double value) const;
  // Of the input, for the batch that is compiled for; a likely one where it is free.
  std::vector<int64_t> input_shape(const Lowering& l, const ir::Node& node) const;
  // The same after pad().
  std::vector<int64_t> padded_input_shape(const Lowering& l, const ir::Node& node) const;
};

}  // namespace qb::pytorch
