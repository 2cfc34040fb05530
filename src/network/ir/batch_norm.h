// A batch norm in inference is a gain and an offset for each channel.
#pragma once

#include <span>
#include <vector>

namespace qb::ir {

// Its parameters, a value a channel.
struct BatchNorm {
  std::span<const float> scale, shift, mean, variance;
  double epsilon = 0.0;
};

// y = gain * x + offset, by channel.
struct ChannelMap {
  std::vector<float> gains, offsets;
};

// Of the norm of x + bias: gain = scale / sqrt(variance + epsilon), offset = shift + (bias - mean)
// * gain (Jacob et al. 2018, eq. 14). `bias` may be empty: zeros.
ChannelMap channel_map(const BatchNorm& norm, std::span<const float> bias = {});

// Multiplies each of the matrix's rows, as many as gains, by its gain.
void scale_rows(std::span<const float> gains, std::span<float> matrix);

}  // namespace qb::ir
