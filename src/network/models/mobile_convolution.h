// The convolutions of networks for phones (EfficientNet, MobileNetV3): channels that are scaled,
// depthwise kernels, and the three ways in which ecosystems pad them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "network/ir/builder.h"

namespace qb::models {

// Channels scaled and rounded to a multiple of 8, never more than 10 % down.
int64_t scaled_channels(double channels, double multiplier);

enum class Padding : uint8_t {
  same,       // TensorFlow's: ceil(extent / stride) outputs, the odd pixel at the end
  symmetric,  // half the kernel on each side
  at_end,     // transformers': as of an even extent, whatever it is
};

struct MobileConvolution {
  int64_t out_channels, kernel;
  int64_t stride = 1;
  bool depthwise = false;
};

// Parameter `name`.weight.
ir::Value convolve(ir::Builder& b, ir::Value x, const std::string& name,
                   const MobileConvolution& conv, Padding padding,
                   std::optional<ir::Value> bias = {});

}  // namespace qb::models
