// A view of an array in memory: what goes into and comes out of a session.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace qb {

// Networks of ours have f32 and i64 only; the others are met in files of the user's own.
enum class ElementType : uint8_t { f32, i64, f64, f16, bf16, i32, i16, i8, u8, boolean };

std::string_view name_of(ElementType type);  // "f32", "bool"
std::optional<ElementType> find_element_type(std::string_view name);
size_t bytes_of(ElementType type);
bool is_floating(ElementType type);

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
  size_t size_bytes() const { return element_count() * bytes_of(type); }
  std::span<const std::byte> bytes() const {
    return {static_cast<const std::byte*>(data), size_bytes()};
  }
  std::span<const float> f32() const { return {static_cast<const float*>(data), element_count()}; }
  std::span<const int64_t> i64() const {
    return {static_cast<const int64_t*>(data), element_count()};
  }
};

}  // namespace qb
