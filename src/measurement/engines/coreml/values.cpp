#include "measurement/engines/coreml/values.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "base/float16.h"

namespace qb::coreml {
namespace {

template <typename T>
std::vector<std::byte> bytes_of(std::span<const T> values) {
  const auto bytes = std::as_bytes(values);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

int64_t element_count(const Shape& shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return count;
}

Shape broadcast(const Shape& a, const Shape& b) {
  Shape result(std::max(a.size(), b.size()));
  for (size_t i = 0; i < result.size(); ++i) {  // from the last dimension on
    const int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    assert(x == y || x == 1 || y == 1);
    result[result.size() - 1 - i] = std::max(x, y);
  }
  return result;
}

Constant text(std::string_view text) { return {.type = Type::text, .text = std::string(text)}; }

Constant boolean(bool value) {
  return {.type = Type::boolean, .bytes = {static_cast<std::byte>(value)}};
}

Constant booleans(std::span<const uint8_t> values) {
  return {.type = Type::boolean,
          .shape = {static_cast<int64_t>(values.size())},
          .bytes = bytes_of(values)};
}

Constant integer(int64_t value) {
  const auto narrow = static_cast<int32_t>(value);
  return {.type = Type::i32, .bytes = bytes_of(std::span(&narrow, 1))};
}

Constant integers(std::span<const int64_t> values) {
  std::vector<int32_t> narrow(values.size());
  std::ranges::transform(values, narrow.begin(), [](int64_t v) { return static_cast<int32_t>(v); });
  return {.type = Type::i32,
          .shape = {static_cast<int64_t>(values.size())},
          .bytes = bytes_of(std::span<const int32_t>(narrow))};
}

Constant real(Type type, double value) {
  const auto narrow = static_cast<float>(value);
  return reals(type, {}, std::span(&narrow, 1));
}

Constant reals(Type type, const Shape& shape, std::span<const float> values) {
  assert(static_cast<int64_t>(values.size()) == element_count(shape));
  if (type == Type::f32) return {.type = type, .shape = shape, .bytes = bytes_of(values)};
  std::vector<uint16_t> halves(values.size());
  std::ranges::transform(values, halves.begin(), float_to_fp16);
  return {.type = type, .shape = shape, .bytes = bytes_of(std::span<const uint16_t>(halves))};
}

}  // namespace qb::coreml
