// From a picture to a network's input: composite, resize, normalise.
#pragma once

#include <cstdint>
#include <span>

#include "network/models/preprocessing.h"
#include "network/pictures/picture.h"

namespace qb::pictures {

// RGBA in the centre of a white square of side int(margin * longer edge), as RGB.
Picture composite_on_white_square(const Picture& rgba, double margin);

// The alpha channel dropped, if there is one.
Picture to_rgb(const Picture& picture);

// The largest centred part of that aspect ratio 1.
Picture crop_centre_square(const Picture& picture);

// The bytes of Pillow's Image.resize. Bilinear, or bicubic (Keys 1981, a = -0.5), with
// antialiasing: the kernel is widened by the ratio when shrinking; separable, horizontal first, in
// 22-bit fixed point.
Picture resize(const Picture& rgb, int64_t width_px, int64_t height_px, models::Filter filter);

// Resized and cropped to the square that the network takes. Error: a picture so long that it would
// be too large.
Result<Picture> fit(const Picture& rgb, const models::Preprocessing& preprocessing);

// out[channel, y, x] = (pixel * scale - mean) / deviation; out has 3 * height * width values.
void to_planar_f32(const Picture& rgb, const models::Preprocessing& preprocessing,
                   std::span<float> out);

}  // namespace qb::pictures
