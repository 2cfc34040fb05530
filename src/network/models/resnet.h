// ResNet (He et al. 2015), version 1.5: a block of three convolutions halves in its second. Basic
// blocks of two for 18 and 34 layers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "network/ir/graph.h"
#include "network/models/activation.h"

namespace qb::models {

struct ResNetStage {
  int64_t channel_count = 0;  // that it gives
  int64_t block_count = 0;
};

struct ResNetConfig {
  std::string name;
  int64_t stem_channels = 64;
  std::vector<ResNetStage> stages = {{256, 3}, {512, 4}, {1024, 6}, {2048, 3}};
  bool is_bottleneck = true;
  bool halves_in_first_stage = false;
  bool halves_in_first_convolution = false;  // of a bottleneck: version 1
  Activation activation = Activation::relu;  // of stem and sums; within a block it is relu
  int64_t image_size_px = 224;
  int64_t class_count = 1000;
};

// Input: image f32 [batch, 3, image_size_px, image_size_px]. Output: logits [batch, class_count].
// Parameters are named as by torchvision and timm.
Result<ir::Graph> build_resnet(const ResNetConfig& config);

}  // namespace qb::models
