// What the readers share: the format table, decoding, and choosing a reader.
#include "network/weights/weight_file.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "base/checked.h"
#include "base/float16.h"
#include "base/parallel.h"
#include "base/stand_in.h"
#include "network/weights/quantized.h"
#include "network/weights/readers.h"

namespace qb::weights {
namespace {

constexpr int64_t values_at_once = 1 << 18;  // whole blocks of every format

constexpr StorageFormatRow rows[] = {
    {StorageFormat::f64, "f64", 1, 8},
    {StorageFormat::f32, "f32", 1, 4},
    {StorageFormat::f16, "f16", 1, 2},
    {StorageFormat::bf16, "bf16", 1, 2},
    {StorageFormat::i64, "i64", 1, 8},
    {StorageFormat::i32, "i32", 1, 4},
    {StorageFormat::i16, "i16", 1, 2},
    {StorageFormat::i8, "i8", 1, 1},
    {StorageFormat::u64, "u64", 1, 8},
    {StorageFormat::u32, "u32", 1, 4},
    {StorageFormat::u16, "u16", 1, 2},
    {StorageFormat::u8, "u8", 1, 1},
    {StorageFormat::boolean, "bool", 1, 1},
    {StorageFormat::f8, "f8", 1, 1},
    {StorageFormat::f6, "f6", 4, 3},
    {StorageFormat::f4, "f4", 2, 1},
    {StorageFormat::c64, "c64", 1, 8},
    {StorageFormat::c128, "c128", 1, 16},
    {StorageFormat::q4_0, "q4_0", 32, 18, true},
    {StorageFormat::q4_1, "q4_1", 32, 20, true},
    {StorageFormat::q5_0, "q5_0", 32, 22, true},
    {StorageFormat::q5_1, "q5_1", 32, 24, true},
    {StorageFormat::q8_0, "q8_0", 32, 34, true},
    {StorageFormat::q2_k, "q2_k", 256, 84, true},
    {StorageFormat::q3_k, "q3_k", 256, 110, true},
    {StorageFormat::q4_k, "q4_k", 256, 144, true},
    {StorageFormat::q5_k, "q5_k", 256, 176, true},
    {StorageFormat::q6_k, "q6_k", 256, 210, true},
    {StorageFormat::iq4_nl, "iq4_nl", 32, 18, true},
    {StorageFormat::iq4_xs, "iq4_xs", 256, 136, true},
    {StorageFormat::mxfp4, "mxfp4", 32, 17, true},
    {StorageFormat::coded, "coded", 1, 0},
    {StorageFormat::other, "other", 1, 0},
};
static_assert(std::size(rows) == static_cast<size_t>(StorageFormat::other) + 1);

template <typename T>
T read_as(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

template <typename T, auto to_float>
void convert(std::span<const std::byte> bytes, std::span<float> out) {
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = to_float(read_as<T>(bytes.data() + i * sizeof(T)));
}

// Null for a format that isn't decoded, or is of blocks.
using Decode = void (*)(std::span<const std::byte> bytes, std::span<float> out);
Decode decoding_of(StorageFormat format) {
  switch (format) {
    case StorageFormat::f32:
      return [](std::span<const std::byte> bytes, std::span<float> out) {
        std::memcpy(out.data(), bytes.data(), out.size_bytes());
      };
    case StorageFormat::f64:
      return convert<double, [](double value) { return static_cast<float>(value); }>;
    case StorageFormat::f16:
      return convert<uint16_t, fp16_to_float>;
    case StorageFormat::bf16:
      return convert<uint16_t, bf16_to_float>;
    default:
      return nullptr;
  }
}

Result<void> check_names(const WeightFile& file) {
  std::set<std::string_view> names;
  for (const StoredTensor& tensor : file.tensors)
    if (!names.insert(tensor.name).second)
      return fail(Errc::bad_input, "tensor \"{}\" appears twice", tensor.name);
  return {};
}

}  // namespace

const StorageFormatRow& row_of(StorageFormat format) { return rows[static_cast<size_t>(format)]; }

std::optional<ggml::BlockFormat> block_format_of(StorageFormat format) {
  if (format < StorageFormat::q4_0 || format > StorageFormat::mxfp4) return std::nullopt;
  return static_cast<ggml::BlockFormat>(static_cast<int>(format) -
                                        static_cast<int>(StorageFormat::q4_0));
}

uint64_t StoredTensor::element_count() const {
  uint64_t count = 1;
  for (const int64_t extent : shape) count *= static_cast<uint64_t>(extent);
  return count;
}

const StoredTensor* WeightFile::find(std::string_view name) const {
  const auto found = std::ranges::find(tensors, name, &StoredTensor::name);
  return found == tensors.end() ? nullptr : &*found;
}

std::vector<std::string> WeightFile::keys() const {
  std::vector<std::string> keys(nested_arrays.begin(), nested_arrays.end());
  for (const auto& [key, value] : metadata.as_object()) keys.push_back(key);
  for (const auto& [key, values] : text_arrays) keys.push_back(key);
  for (const auto& [key, values] : integer_arrays) keys.push_back(key);
  for (const auto& [key, values] : real_arrays) keys.push_back(key);
  return keys;
}

Result<uint64_t> byte_count_of(const std::vector<int64_t>& shape, StorageFormat format) {
  const StorageFormatRow& row = row_of(format);
  if (shape.size() > 8) return fail(Errc::bad_input, "has {} dimensions", shape.size());
  uint64_t count = 1;
  for (const int64_t extent : shape) {
    const auto product = checked_multiply(count, static_cast<uint64_t>(extent));
    if (extent < 0 || !product)
      return fail(Errc::bad_input, "has shape [{}]", fmt::join(shape, ", "));
    count = *product;
  }
  const uint64_t innermost = shape.empty() ? 1 : static_cast<uint64_t>(shape.back());
  const auto bytes = checked_multiply(count / row.block_length, row.block_bytes);
  if ((row.is_by_row ? innermost : count) % row.block_length != 0 || !bytes)
    return fail(Errc::bad_input, "has shape [{}], no whole blocks of {}", fmt::join(shape, ", "),
                row.name);
  return *bytes;
}

Result<void> decode_f32(const StoredTensor& tensor, std::span<float> out, int64_t thread_count) {
  if (tensor.coding) return decode_coded(*tensor.coding, 0, out, thread_count);
  const Decode convert_values = decoding_of(tensor.format);
  const std::optional<ggml::BlockFormat> blocks = block_format_of(tensor.format);
  if (!convert_values && !blocks)
    return fail(Errc::unsupported, "tensor {} is stored as {}, which is not read as weights",
                tensor.name, tensor.type);
  const StorageFormatRow& row = row_of(tensor.format);
  parallel_for(static_cast<int64_t>(out.size()), values_at_once, thread_count,
               [&](int64_t first, int64_t last) {
                 const auto begin = static_cast<size_t>(first);
                 const auto count = static_cast<size_t>(last - first);
                 const auto from = tensor.bytes.subspan(begin / row.block_length * row.block_bytes,
                                                        count / row.block_length * row.block_bytes);
                 if (blocks)
                   ggml::decode(*blocks, from, out.subspan(begin, count));
                 else
                   convert_values(from, out.subspan(begin, count));
               });
  return {};
}

Result<WeightFile> load_weights(const std::filesystem::path& path) {
  QB_TRY(const MappedFile file, MappedFile::open(path));
  const auto bytes = file.bytes();
  QB_CHECK(with_context(check_no_stand_in(bytes), path.string()));
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()),
                              std::min<size_t>(bytes.size(), 16));
  if (head.starts_with("GGUF")) return load_gguf(path);
  if (head.starts_with("PK\x03\x04") || head.starts_with("\x80\x02\x8a\x0a"))
    return load_torch(path);
  if (path.extension() == ".json" || (head.size() > 8 && head[8] == '{'))
    return load_safetensors(path);
  return fail(Errc::bad_input, "{}: no GGUF, safetensors or PyTorch checkpoint", path.string());
}

Result<WeightFile> checked(Result<WeightFile> file, const std::filesystem::path& path) {
  if (file)
    if (Result<void> names = check_names(*file); !names)
      return tl::unexpected(with_context(std::move(names).error(), path.string()));
  return with_context(std::move(file), path.string());
}

}  // namespace qb::weights
