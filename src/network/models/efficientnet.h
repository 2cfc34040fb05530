// EfficientNet (Tan and Le 2019) and EfficientNet-Lite: inverted residual blocks, scaled in width,
// depth and resolution. Lite drops squeeze-and-excitation, uses ReLU6 and keeps stem and head
// fixed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "network/ir/graph.h"
#include "network/models/mobile_convolution.h"

namespace qb::models {

struct EfficientNetConfig {
  std::string name;
  double width_multiplier = 1.0;
  double depth_multiplier = 1.0;
  int64_t image_size_px = 224;
  bool lite = true;
  int64_t class_count = 1000;
  double batch_norm_eps = 1e-3;
  Padding padding = Padding::same;
  std::vector<int64_t> symmetric_blocks = {};  // whose padding is symmetric all the same
};

// Input: image f32 [batch, 3, image_size_px, image_size_px], normalised as the model was trained
// (Lite: (x - 127) / 128). Output: logits [batch, class_count]. Convolutions pad as TensorFlow's
// SAME, which is asymmetric at stride 2, unless the config has another padding. Parameters are
// named as in the PyTorch checkpoints.
Result<ir::Graph> build_efficientnet(const EfficientNetConfig& config);

// Of each stage.
std::vector<int64_t> block_counts(const EfficientNetConfig& config);

}  // namespace qb::models
