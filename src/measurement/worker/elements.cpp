#include "measurement/worker/elements.h"

#include <cstring>
#include <limits>

#include "base/float16.h"

namespace qb::worker {
namespace {

template <typename T>
void append(const TensorView& tensor, std::vector<double>& values, auto&& convert) {
  const auto* data = static_cast<const char*>(tensor.data);
  for (size_t i = 0; i < tensor.element_count(); ++i) {
    T element;
    std::memcpy(&element, data + i * sizeof(T), sizeof(T));
    values.push_back(static_cast<double>(convert(element)));
  }
}

template <typename T>
void store(void* data, size_t index, T element) {
  std::memcpy(static_cast<char*>(data) + index * sizeof(T), &element, sizeof(T));
}

template <typename T>
IntegerRange range() {
  return {static_cast<double>(std::numeric_limits<T>::min()),
          static_cast<double>(std::numeric_limits<T>::max())};
}

}  // namespace

std::vector<double> to_doubles(const TensorView& tensor) {
  std::vector<double> values;
  values.reserve(tensor.element_count());
  const auto same = [](auto element) { return element; };
  switch (tensor.type) {
    case ElementType::f32:
      append<float>(tensor, values, same);
      break;
    case ElementType::f64:
      append<double>(tensor, values, same);
      break;
    case ElementType::f16:
      append<uint16_t>(tensor, values, fp16_to_float);
      break;
    case ElementType::bf16:
      append<uint16_t>(tensor, values, bf16_to_float);
      break;
    case ElementType::i64:
      append<int64_t>(tensor, values, same);
      break;
    case ElementType::i32:
      append<int32_t>(tensor, values, same);
      break;
    case ElementType::i16:
      append<int16_t>(tensor, values, same);
      break;
    case ElementType::i8:
      append<int8_t>(tensor, values, same);
      break;
    case ElementType::u8:
    case ElementType::boolean:
      append<uint8_t>(tensor, values, same);
      break;
  }
  return values;
}

void store_element(ElementType type, void* data, size_t index, double value) {
  switch (type) {
    case ElementType::f32:
      return store(data, index, static_cast<float>(value));
    case ElementType::f64:
      return store(data, index, value);
    case ElementType::f16:
      return store(data, index, float_to_fp16(static_cast<float>(value)));
    case ElementType::bf16:
      return store(data, index, float_to_bf16(static_cast<float>(value)));
    case ElementType::i64:
      return store(data, index, static_cast<int64_t>(value));
    case ElementType::i32:
      return store(data, index, static_cast<int32_t>(value));
    case ElementType::i16:
      return store(data, index, static_cast<int16_t>(value));
    case ElementType::i8:
      return store(data, index, static_cast<int8_t>(value));
    case ElementType::u8:
    case ElementType::boolean:
      return store(data, index, static_cast<uint8_t>(value));
  }
}

IntegerRange range_of(ElementType type) {
  switch (type) {
    case ElementType::i64:  // what a double counts exactly
      return {-0x1p53, 0x1p53};
    case ElementType::i32:
      return range<int32_t>();
    case ElementType::i16:
      return range<int16_t>();
    case ElementType::i8:
      return range<int8_t>();
    case ElementType::u8:
      return range<uint8_t>();
    case ElementType::boolean:
      return {0.0, 1.0};
    default:
      return {};
  }
}

}  // namespace qb::worker
