// From a picture to a network's input: composite, resize, normalise.
#pragma once

#include <cstdint>
#include <span>

#include "network/pictures/picture.h"

namespace qb::pictures {

// RGBA in the centre of a white square of side int(margin * longer edge), as RGB.
Picture composite_on_white_square(const Picture& rgba, double margin);

// The alpha channel dropped, if there is one.
Picture to_rgb(const Picture& picture);

// The largest centred part of that aspect ratio 1.
Picture crop_centre_square(const Picture& picture);

// Bicubic (Keys 1981, a = -0.5) with antialiasing: the kernel is widened by the ratio when
// shrinking. Separable, horizontal first, in the 22-bit fixed point of Pillow's Image.resize, whose
// bytes it gives.
Picture resize_bicubic(const Picture& rgb, int64_t width_px, int64_t height_px);

struct Normalisation {
  float mean = 127.0f;
  float deviation = 128.0f;
};

// out[channel, y, x] = (pixel - mean) / deviation; out has 3 * height * width values.
void to_planar_f32(const Picture& rgb, const Normalisation& normalisation, std::span<float> out);

}  // namespace qb::pictures
