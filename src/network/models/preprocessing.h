// How a picture becomes a network's input, and which classes its answers are of: what stands in a
// preprocessor_config.json, or in timm's config.json.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "network/models/config.h"

namespace qb::models {

// What becomes of a picture that isn't square.
enum class Fit : uint8_t {
  centre_square,  // the largest square in its centre is resized
  squash,         // its sides are resized to be as long
  shorter_edge,   // its shorter edge is resized, its sides keep their ratio
};
enum class Filter : uint8_t { nearest, bilinear, bicubic };

struct Preprocessing {
  Fit fit = Fit::centre_square;
  Filter filter = Filter::bicubic;
  int64_t resized_px = 0;  // 0: the network's input
  int64_t crop_px = 0;     // the side of the square that is cut out of the centre; 0: all
  bool rounds_centre =
      false;  // half a pixel off the centre goes to the even side, else up and left
  // (pixel * scale - mean) / deviation, pixels from 0 to 255.
  double scale = 1.0;
  std::array<double, 3> mean = {127.0, 127.0, 127.0};
  std::array<double, 3> deviation = {128.0, 128.0, 128.0};

  // Of the network's input.
  int64_t size_px() const { return crop_px > 0 ? crop_px : resized_px; }
  bool operator==(const Preprocessing&) const = default;
};

inline constexpr std::array<double, 3> imagenet_mean = {0.485, 0.456, 0.406};
inline constexpr std::array<double, 3> imagenet_deviation = {0.229, 0.224, 0.225};

// Of the field "preprocessor" of a config, a preprocessor_config.json. Errors: what isn't followed,
// by its name.
Preprocessing read_preprocessor(Config& config);
// Of timm's pretrained_cfg.
Preprocessing read_timm_preprocessing(Config& config, int64_t image_size_px);

// id2label of transformers, by id; empty: none are told.
std::vector<std::string> read_class_names(Config& config);

}  // namespace qb::models
