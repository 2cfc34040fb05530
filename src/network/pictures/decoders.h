// The decoders behind load_picture.
#pragma once

#include <cstddef>
#include <span>

#include "network/pictures/picture.h"

namespace qb::pictures {

Result<Picture> decode_png(std::span<const std::byte> bytes);
Result<Picture> decode_jpeg(std::span<const std::byte> bytes);

// Refuses what would take more than 100 million pixels.
Result<void> check_size(const Picture& picture);

}  // namespace qb::pictures
