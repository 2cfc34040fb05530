// Pictures in memory, and reading them from PNG and JPEG files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/result.h"

namespace qb::pictures {

struct Picture {
  int64_t width_px = 0;
  int64_t height_px = 0;
  int64_t channel_count = 3;    // 3: RGB, 4: RGBA
  std::vector<uint8_t> pixels;  // rows from the top, channels interleaved
};

// By content. PNG of any kind becomes RGBA (16 bits are cut to 8, gamma is ignored as Pillow does),
// JPEG becomes RGB. Errors name the file; more than 100 million pixels are refused.
Result<Picture> load_picture(const std::filesystem::path& path);

}  // namespace qb::pictures
