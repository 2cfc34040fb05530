// MobileNetV3 (Howard et al. 2019), large and small: inverted residual blocks, some with
// squeeze-and-excitation, relu before and hard_swish later; the last convolution comes after the
// pooling.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "network/ir/graph.h"
#include "network/models/mobile_convolution.h"

namespace qb::models {

struct MobileNetV3Config {
  std::string name;
  bool is_large = true;
  double width_multiplier = 1.0;
  Padding padding = Padding::symmetric;
  double batch_norm_eps = 1e-5;
  int64_t image_size_px = 224;
  int64_t class_count = 1000;
};

// Input: image f32 [batch, 3, image_size_px, image_size_px]. Output: logits [batch, class_count].
// Parameters are named as by timm.
Result<ir::Graph> build_mobilenetv3(const MobileNetV3Config& config);

}  // namespace qb::models
