// A view of an array in memory: what goes into and comes out of a session.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace qb {

enum class ElementType : uint8_t { f32, i64 };

inline size_t element_count(std::span<const int64_t> shape) {
  size_t count = 1;
  for (const int64_t extent : shape) count *= static_cast<size_t>(extent);
  return count;
}

// Row-major and contiguous; the memory belongs to someone else.
struct TensorView {
  ElementType type = ElementType::f32;
  std::span<const int64_t> shape;
  const void* data = nullptr;

  size_t element_count() const { return qb::element_count(shape); }
  std::span<const float> f32() const { return {static_cast<const float*>(data), element_count()}; }
  std::span<const int64_t> i64() const {
    return {static_cast<const int64_t*>(data), element_count()};
  }
};

}  // namespace qb
