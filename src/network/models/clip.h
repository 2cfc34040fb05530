// CLIP (Radford et al. 2021): a tower for pictures and one for texts, whose vectors lie near each
// other where text and picture say the same.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "network/models/models.h"
#include "network/models/transformer.h"

namespace qb::models {

struct ClipConfig {
  std::string name;
  TransformerSizes picture = {.layer_count = 12, .width = 768, .ffn_width = 3072, .head_count = 12};
  TransformerSizes text = {.layer_count = 12, .width = 512, .ffn_width = 2048, .head_count = 8};
  int64_t projection_width = 512;
  int64_t image_size_px = 224;
  int64_t patch_size_px = 32;
  int64_t vocabulary_size = 49408;
  int64_t position_count = 77;
  int64_t end_token = 49407;  // whose vector is the text's; see Model::end_token
};

// Network "picture": image f32 [batch, 3, size, size] to unit vectors [batch, projection_width].
// Network "text": tokens i64 [batch, sequence] and position i64 [batch], where the end token
// stands, to unit vectors times CLIP's learnt scale: the product of both towers' vectors is the
// logit. Parameters are named as on the Hugging Face hub; logit_scale.weight is the scale itself.
Result<std::vector<NamedGraph>> build_clip(const ClipConfig& config);

// The model without a name.
Model clip_model(const ClipConfig& config);

}  // namespace qb::models
