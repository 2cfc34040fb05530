// Vision Transformer (Dosovitskiy et al. 2020): a picture's patches are its tokens, a class token
// before them; a classifier of that token, or of the patches' mean.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "network/ir/graph.h"
#include "network/models/transformer.h"

namespace qb::models {

struct VitConfig {
  std::string name;
  TransformerSizes sizes;
  int64_t patch_size_px = 16;
  bool has_class_token = true;
  bool uses_mean = false;  // of the patches, normalised after it: the class token is not asked
  int64_t image_size_px = 224;
  int64_t class_count = 1000;
};

// Input: image f32 [batch, 3, image_size_px, image_size_px]. Output: logits [batch, class_count].
// Parameters are named as by timm, q, k and v apart.
Result<ir::Graph> build_vit(const VitConfig& config);

// The picture's patches as tokens [batch, patches, width]: a convolution `prefix`.weight as wide as
// its step, with `prefix`.bias.
ir::Value patches_of(ir::Builder& b, ir::Value image, const std::string& prefix, int64_t width,
                     int64_t patch_size_px, bool has_bias);

}  // namespace qb::models
