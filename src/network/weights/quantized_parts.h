// What the readers of quantized checkpoints share.
#pragma once

#include <array>
#include <cstring>
#include <string>
#include <string_view>

#include "base/float16.h"
#include "base/small_float.h"
#include "network/weights/quantized.h"

namespace qb::weights {

// The tensors of one quantized weight: those of the file whose names begin with `prefix` and a dot.
class Parts {
 public:
  Parts(const WeightFile& file, std::string prefix) : file_(&file), prefix_(std::move(prefix)) {}

  const std::string& prefix() const { return prefix_; }
  const StoredTensor* find(std::string_view part) const {
    return file_->find(prefix_ + "." + std::string(part));
  }
  // Errors: it isn't there, or has another type or shape; an extent of -1 may be any.
  Result<StoredTensor> need(std::string_view part, std::string_view types,
                            const std::vector<int64_t>& shape) const;

 private:
  const WeightFile* file_;
  std::string prefix_;
};

// Words of 32 bits.
class Words {
 public:
  explicit Words(std::span<const std::byte> bytes = {}) : bytes_(bytes) {}
  uint32_t operator[](uint64_t i) const {
    uint32_t word;
    std::memcpy(&word, bytes_.data() + i * sizeof word, sizeof word);
    return word;
  }

 private:
  std::span<const std::byte> bytes_;
};

// Field number `i` of a little-endian stream of `bits`-bit fields in words; word(j) gives the j-th.
template <typename Word>
uint32_t field(const Word& word, int64_t i, int32_t bits) {
  const auto position = static_cast<uint64_t>(i) * static_cast<uint64_t>(bits);
  const uint64_t shift = position % 32;
  uint64_t stream = word(position / 32);
  if (shift + static_cast<uint64_t>(bits) > 32)
    stream |= static_cast<uint64_t>(word(position / 32 + 1)) << 32;
  return static_cast<uint32_t>(stream >> shift) & ((1u << bits) - 1u);
}

// A scalar of a floating-point tensor (f32, f16, bf16).
float element_of(const StoredTensor& tensor, int64_t i);

// column / group_size for each column.
std::vector<int32_t> consecutive_groups(int64_t column_count, int64_t group_size);

// The value of each code of `bits` bits.
template <auto to_float>
std::vector<float> values_of(int32_t bits) {
  std::vector<float> values(size_t{1} << bits);
  for (size_t code = 0; code < values.size(); ++code)
    values[code] = to_float(static_cast<uint8_t>(code));
  return values;
}

constexpr std::string_view float_types = "F16 BF16 F32";

// "gptq-w4g128s"
std::string coding_name(std::string_view method, int64_t bits, int64_t group_size, bool symmetric);

using Joined = Result<std::shared_ptr<const Coding>>;

Joined join_gptq(const Parts& parts, const Json& settings);
Joined join_awq(const Parts& parts, const Json& settings);
Joined join_mlx(const Parts& parts, const Json& settings);
Joined join_compressed(const Parts& parts, const Json& group, std::string_view format);

}  // namespace qb::weights
