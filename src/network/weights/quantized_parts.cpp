#include "network/weights/quantized_parts.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace qb::weights {

Result<StoredTensor> Parts::need(std::string_view part, std::string_view types,
                                 const std::vector<int64_t>& shape) const {
  const StoredTensor* tensor = find(part);
  if (!tensor) return fail(Errc::bad_input, "{}.{} is missing", prefix_, part);
  const std::string type = fmt::format(" {} ", tensor->type);
  if (fmt::format(" {} ", types).find(type) == std::string::npos)
    return fail(Errc::bad_input, "{} is {}, not {}", tensor->name, tensor->type, types);
  const bool fits = tensor->shape.size() == shape.size() &&
                    std::ranges::equal(tensor->shape, shape, [](int64_t is, int64_t wanted) {
                      return wanted == -1 || is == wanted;
                    });
  if (!fits)
    return fail(Errc::bad_input, "{} has shape [{}], not [{}]", tensor->name,
                fmt::join(tensor->shape, ", "), fmt::join(shape, ", "));
  return *tensor;
}

float element_of(const StoredTensor& tensor, int64_t i) {
  const std::byte* at =
      tensor.bytes.data() + static_cast<uint64_t>(i) * row_of(tensor.format).block_bytes;
  if (tensor.format == StorageFormat::f32) {
    float value;
    std::memcpy(&value, at, sizeof value);
    return value;
  }
  uint16_t half;
  std::memcpy(&half, at, sizeof half);
  return tensor.format == StorageFormat::f16 ? fp16_to_float(half) : bf16_to_float(half);
}

std::vector<int32_t> consecutive_groups(int64_t column_count, int64_t group_size) {
  std::vector<int32_t> groups(static_cast<size_t>(column_count));
  for (size_t x = 0; x < groups.size(); ++x)
    groups[x] = static_cast<int32_t>(x / static_cast<size_t>(group_size));
  return groups;
}

std::string coding_name(std::string_view method, int64_t bits, int64_t group_size, bool symmetric) {
  return fmt::format("{}-w{}{}{}", method, bits,
                     group_size > 0 ? fmt::format("g{}", group_size) : "c", symmetric ? "s" : "");
}

}  // namespace qb::weights
