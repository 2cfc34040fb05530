// What the engine uses of MLX; precompiled, since this header takes seconds each time.
#pragma once

#include <mlx/mlx.h>

#include <cstdint>
#include <span>
#include <vector>

namespace qb::mlx {

namespace mx = ::mlx::core;

// MLX's extents are 32 bits wide.
inline mx::Shape shape_of(std::span<const int64_t> extents) {
  mx::Shape shape;
  for (const int64_t extent : extents) shape.push_back(static_cast<mx::ShapeElem>(extent));
  return shape;
}

inline std::vector<int64_t> extents_of(const mx::array& x) {
  return {x.shape().begin(), x.shape().end()};
}

}  // namespace qb::mlx
