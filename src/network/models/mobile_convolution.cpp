#include "network/models/mobile_convolution.h"

#include <algorithm>

namespace qb::models {
namespace {

std::vector<int64_t> padding_of(int64_t extent, int64_t kernel, int64_t stride, Padding padding) {
  const int64_t outputs = (extent + stride - 1) / stride;
  const int64_t half = kernel / 2;
  int64_t before = half;
  int64_t after = half;
  if (padding == Padding::same) {
    const int64_t total = std::max<int64_t>((outputs - 1) * stride + kernel - extent, 0);
    before = total / 2;
    after = total - before;
  } else if (padding == Padding::at_end && stride > 1) {
    before = half - 1;
  }
  return {before, before, after, after};
}

}  // namespace

int64_t scaled_channels(double channels, double multiplier) {
  const double scaled = channels * multiplier;
  const int64_t rounded = std::max<int64_t>(8, static_cast<int64_t>(scaled + 4) / 8 * 8);
  return static_cast<double>(rounded) < 0.9 * scaled ? rounded + 8 : rounded;
}

ir::Value convolve(ir::Builder& b, ir::Value x, const std::string& name,
                   const MobileConvolution& conv, Padding padding, std::optional<ir::Value> bias) {
  const bool is_picture = b.shape(x).size() == 4;
  const int64_t in_channels = is_picture ? b.shape(x)[1].extent : 1;
  const int64_t extent = is_picture ? b.shape(x)[2].extent : 1;
  const ir::Value weight =
      b.parameter(name + ".weight",
                  {conv.out_channels, conv.depthwise ? 1 : in_channels, conv.kernel, conv.kernel});
  return b.conv2d(x, weight,
                  {.stride = conv.stride,
                   .padding = padding_of(extent, conv.kernel, conv.stride, padding),
                   .group_count = conv.depthwise ? in_channels : 1},
                  bias);
}

}  // namespace qb::models
