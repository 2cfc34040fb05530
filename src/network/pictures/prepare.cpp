#include "network/pictures/prepare.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "network/pictures/decoders.h"

namespace qb::pictures {
namespace {

constexpr int precision_bits = 22;

// a * (255 - alpha) + b * alpha, divided by 255 and rounded.
uint8_t blend(uint32_t a, uint32_t b, uint32_t alpha) {
  const uint32_t sum = a * (255 - alpha) + b * alpha + 128;
  return static_cast<uint8_t>((sum + (sum >> 8)) >> 8);
}

double triangle_kernel(double x) { return std::max(1.0 - std::fabs(x), 0.0); }

double keys_kernel(double x) {
  constexpr double a = -0.5;
  x = std::fabs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  return 0.0;
}

// The inputs that make one output, and their weights in fixed point.
struct Taps {
  int64_t first = 0;
  std::vector<int32_t> weights;
};

struct Kernel {
  double (*value)(double);
  double support;
};
Kernel kernel_of(models::Filter filter) {
  constexpr double keys_support = 2.0;
  if (filter == models::Filter::bilinear) return {triangle_kernel, 1.0};
  return {keys_kernel, keys_support};
}

// The nearest alone.
std::vector<Taps> nearest_taps(int64_t in_extent, int64_t out_extent) {
  const double ratio = static_cast<double>(in_extent) / static_cast<double>(out_extent);
  std::vector<Taps> all;
  for (int64_t out = 0; out < out_extent; ++out)
    all.push_back(
        {static_cast<int64_t>((static_cast<double>(out) + 0.5) * ratio), {1 << precision_bits}});
  return all;
}

std::vector<Taps> taps_of(int64_t in_extent, int64_t out_extent, models::Filter filter) {
  if (filter == models::Filter::nearest) return nearest_taps(in_extent, out_extent);
  const Kernel kernel = kernel_of(filter);
  const double ratio = static_cast<double>(in_extent) / static_cast<double>(out_extent);
  const double widening = std::max(ratio, 1.0);
  const double support = kernel.support * widening;
  const double narrowing = 1.0 / widening;
  std::vector<Taps> all;
  for (int64_t out = 0; out < out_extent; ++out) {
    const double centre = (static_cast<double>(out) + 0.5) * ratio;
    Taps taps = {
        .first = std::max<int64_t>(static_cast<int64_t>(std::floor(centre - support + 0.5)), 0)};
    const int64_t end =
        std::min(static_cast<int64_t>(std::floor(centre + support + 0.5)), in_extent);
    std::vector<double> weights;
    double sum = 0.0;
    for (int64_t x = taps.first; x < end; ++x) {
      weights.push_back(kernel.value((static_cast<double>(x) - centre + 0.5) * narrowing));
      sum += weights.back();
    }
    for (const double weight : weights) {
      taps.weights.push_back(
          static_cast<int32_t>(std::lround(weight / sum * (1 << precision_bits))));
    }
    all.push_back(std::move(taps));
  }
  return all;
}

// Weighted sum of pixels `stride` bytes apart.
uint8_t apply(const Taps& taps, const uint8_t* pixels, int64_t stride) {
  int32_t sum = 1 << (precision_bits - 1);
  for (size_t i = 0; i < taps.weights.size(); ++i)
    sum += taps.weights[i] * pixels[(taps.first + static_cast<int64_t>(i)) * stride];
  return static_cast<uint8_t>(std::clamp(sum >> precision_bits, 0, 255));
}

Picture resize_width(const Picture& picture, int64_t width_px, models::Filter filter) {
  Picture out = {width_px, picture.height_px, 3, {}};
  const std::vector<Taps> taps = taps_of(picture.width_px, width_px, filter);
  out.pixels.reserve(static_cast<size_t>(width_px * picture.height_px * 3));
  for (int64_t y = 0; y < picture.height_px; ++y)
    for (int64_t x = 0; x < width_px; ++x)
      for (int64_t channel = 0; channel < 3; ++channel)
        out.pixels.push_back(apply(taps[static_cast<size_t>(x)],
                                   picture.pixels.data() + y * picture.width_px * 3 + channel, 3));
  return out;
}

Picture resize_height(const Picture& picture, int64_t height_px, models::Filter filter) {
  Picture out = {picture.width_px, height_px, 3, {}};
  const std::vector<Taps> taps = taps_of(picture.height_px, height_px, filter);
  const int64_t row_bytes = picture.width_px * 3;
  out.pixels.reserve(static_cast<size_t>(row_bytes * height_px));
  for (int64_t y = 0; y < height_px; ++y)
    for (int64_t i = 0; i < row_bytes; ++i)
      out.pixels.push_back(
          apply(taps[static_cast<size_t>(y)], picture.pixels.data() + i, row_bytes));
  return out;
}

// Half a pixel off: to the even side, as Python rounds, or up and left.
int64_t first_of_centre(int64_t extent, int64_t side, bool rounds) {
  const int64_t margin = extent - side;
  return rounds && margin % 4 == 3 ? margin / 2 + 1 : margin / 2;
}

Picture crop_centre(const Picture& picture, int64_t side, bool rounds) {
  const int64_t left = first_of_centre(picture.width_px, side, rounds);
  const int64_t top = first_of_centre(picture.height_px, side, rounds);
  Picture out = {side, side, picture.channel_count, {}};
  for (int64_t y = 0; y < side; ++y) {
    const auto* row =
        picture.pixels.data() + ((top + y) * picture.width_px + left) * picture.channel_count;
    out.pixels.insert(out.pixels.end(), row, row + side * picture.channel_count);
  }
  return out;
}

}  // namespace

Picture composite_on_white_square(const Picture& rgba, double margin) {
  assert(rgba.channel_count == 4);
  const auto side =
      static_cast<int64_t>(margin * static_cast<double>(std::max(rgba.width_px, rgba.height_px)));
  Picture out = {side, side, 3, std::vector<uint8_t>(static_cast<size_t>(side * side * 3), 255)};
  const int64_t left = (side - rgba.width_px) / 2;
  const int64_t top = (side - rgba.height_px) / 2;
  for (int64_t y = 0; y < rgba.height_px; ++y) {
    for (int64_t x = 0; x < rgba.width_px; ++x) {
      const uint8_t* from = rgba.pixels.data() + (y * rgba.width_px + x) * 4;
      uint8_t* to = out.pixels.data() + ((top + y) * side + left + x) * 3;
      for (int channel = 0; channel < 3; ++channel)
        to[channel] = blend(to[channel], from[channel], from[3]);
    }
  }
  return out;
}

Picture to_rgb(const Picture& picture) {
  if (picture.channel_count == 3) return picture;
  Picture out = {picture.width_px, picture.height_px, 3, {}};
  for (size_t i = 0; i < picture.pixels.size(); ++i)
    if (i % 4 != 3) out.pixels.push_back(picture.pixels[i]);
  return out;
}

Picture crop_centre_square(const Picture& picture) {
  return crop_centre(picture, std::min(picture.width_px, picture.height_px), false);
}

Picture resize(const Picture& rgb, int64_t width_px, int64_t height_px, models::Filter filter) {
  assert(rgb.channel_count == 3);
  const Picture wide = width_px == rgb.width_px ? rgb : resize_width(rgb, width_px, filter);
  return height_px == wide.height_px ? wide : resize_height(wide, height_px, filter);
}

Result<Picture> fit(const Picture& rgb, const models::Preprocessing& p) {
  const int64_t side = p.resized_px;
  if (p.fit == models::Fit::centre_square)
    return resize(crop_centre_square(rgb), side, side, p.filter);
  int64_t width_px = side;
  int64_t height_px = side;
  if (p.fit == models::Fit::shorter_edge) {
    const auto longer = [side](int64_t edge, int64_t shorter) {
      return static_cast<int64_t>(static_cast<double>(side * edge) / static_cast<double>(shorter));
    };
    if (rgb.width_px > rgb.height_px) width_px = longer(rgb.width_px, rgb.height_px);
    if (rgb.height_px > rgb.width_px) height_px = longer(rgb.height_px, rgb.width_px);
  }
  QB_CHECK(check_size({.width_px = width_px, .height_px = height_px}));
  const Picture resized = resize(rgb, width_px, height_px, p.filter);
  return p.crop_px > 0 ? crop_centre(resized, p.crop_px, p.rounds_centre) : resized;
}

void to_planar_f32(const Picture& rgb, const models::Preprocessing& p, std::span<float> out) {
  const size_t area = static_cast<size_t>(rgb.width_px * rgb.height_px);
  assert(out.size() == 3 * area);
  const auto scale = static_cast<float>(p.scale);
  for (size_t channel = 0; channel < 3; ++channel) {
    const auto mean = static_cast<float>(p.mean[channel]);
    const auto deviation = static_cast<float>(p.deviation[channel]);
    for (size_t i = 0; i < area; ++i)
      out[channel * area + i] =
          (static_cast<float>(rgb.pixels[i * 3 + channel]) * scale - mean) / deviation;
  }
}

}  // namespace qb::pictures
