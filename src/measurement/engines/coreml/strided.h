// Arrays whose rows may lie further apart than they are long, as Core ML's own may.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace qb::coreml {

// Copies elements of `size` bytes from one layout to another; strides count elements.
inline void copy_strided(std::span<const int64_t> shape, size_t size, const std::byte* from,
                         std::span<const int64_t> from_strides, std::byte* to,
                         std::span<const int64_t> to_strides) {
  if (shape.empty()) {
    std::memcpy(to, from, size);
    return;
  }
  if (shape.size() == 1 && from_strides[0] == 1 && to_strides[0] == 1) {
    std::memcpy(to, from, static_cast<size_t>(shape[0]) * size);
    return;
  }
  for (int64_t i = 0; i < shape[0]; ++i)
    copy_strided(shape.subspan(1), size, from + static_cast<size_t>(i * from_strides[0]) * size,
                 from_strides.subspan(1), to + static_cast<size_t>(i * to_strides[0]) * size,
                 to_strides.subspan(1));
}

}  // namespace qb::coreml
