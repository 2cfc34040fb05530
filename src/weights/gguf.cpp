// GGUF, the container of llama.cpp (versions 2 and 3).
#include <algorithm>
#include <bit>

#include "base/byte_reader.h"
#include "base/checked.h"
#include "base/stand_in.h"
#include "weights/readers.h"

namespace qb::weights {
namespace {

constexpr uint64_t text_length_max = 100'000'000;

// Metadata types, in the order of their numbers.
enum class Kind : uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, text, array, u64, i64, f64 };

StorageFormat format_of(uint32_t ggml_type) {
  switch (ggml_type) {
    case 0:
      return StorageFormat::f32;
    case 1:
      return StorageFormat::f16;
    case 2:
      return StorageFormat::q4_0;
    case 3:
      return StorageFormat::q4_1;
    case 8:
      return StorageFormat::q8_0;
    case 12:
      return StorageFormat::q4_k;
    case 14:
      return StorageFormat::q6_k;
    case 24:
      return StorageFormat::i8;
    case 25:
      return StorageFormat::i16;
    case 26:
      return StorageFormat::i32;
    case 27:
      return StorageFormat::i64;
    case 28:
      return StorageFormat::f64;
    case 30:
      return StorageFormat::bf16;
    default:
      return StorageFormat::other;
  }
}

Result<std::string> read_text(ByteReader& reader, std::string_view what) {
  QB_TRY(const uint64_t length, reader.number<uint64_t>(what));
  if (length > text_length_max)
    return fail(Errc::bad_input, "{} is a text of {} bytes", what, length);
  QB_TRY(const std::string_view text, reader.text(length, what));
  return std::string(text);
}

template <typename T>
Result<Json> read_number(ByteReader& reader, std::string_view what) {
  QB_TRY(const T value, reader.number<T>(what));
  return Json(value);
}

Result<Json> read_scalar(ByteReader& reader, uint32_t kind, std::string_view key) {
  switch (static_cast<Kind>(kind)) {
    case Kind::u8:
      return read_number<uint8_t>(reader, key);
    case Kind::i8:
      return read_number<int8_t>(reader, key);
    case Kind::u16:
      return read_number<uint16_t>(reader, key);
    case Kind::i16:
      return read_number<int16_t>(reader, key);
    case Kind::u32:
      return read_number<uint32_t>(reader, key);
    case Kind::i32:
      return read_number<int32_t>(reader, key);
    case Kind::u64:
      return read_number<uint64_t>(reader, key);
    case Kind::i64:
      return read_number<int64_t>(reader, key);
    case Kind::f32:
      return read_number<float>(reader, key);
    case Kind::f64:
      return read_number<double>(reader, key);
    case Kind::boolean: {
      QB_TRY(const uint8_t value, reader.number<uint8_t>(key));
      return Json(value != 0);
    }
    case Kind::text: {
      QB_TRY(std::string text, read_text(reader, key));
      return Json(std::move(text));
    }
    default:
      return fail(Errc::bad_input, "field {} has unknown type {}", key, kind);
  }
}

Result<void> read_array(ByteReader& reader, const std::string& key, WeightFile& file) {
  QB_TRY(const uint32_t kind, reader.number<uint32_t>(key));
  QB_TRY(const uint64_t count, reader.number<uint64_t>(key));
  if (count > reader.remaining())  // an item takes at least a byte
    return fail(Errc::bad_input, "field {} claims {} items, {} bytes remain", key, count,
                reader.remaining());
  for (uint64_t i = 0; i < count; ++i) {
    QB_TRY(const Json item, read_scalar(reader, kind, key));
    if (item.is_string())
      file.text_arrays[key].push_back(item.as_string());
    else
      file.integer_arrays[key].push_back(item.as_int());
  }
  return {};
}

Result<void> read_metadata(ByteReader& reader, uint64_t count, WeightFile& file) {
  for (uint64_t i = 0; i < count; ++i) {
    QB_TRY(const std::string key, read_text(reader, "a metadata key"));
    QB_TRY(const uint32_t kind, reader.number<uint32_t>(key));
    if (file.metadata.contains(key) || file.text_arrays.contains(key) ||
        file.integer_arrays.contains(key))
      return fail(Errc::bad_input, "field {} appears twice", key);
    if (static_cast<Kind>(kind) == Kind::array) {
      QB_CHECK(read_array(reader, key, file));
      continue;
    }
    QB_TRY(Json value, read_scalar(reader, kind, key));
    file.metadata.set(key, std::move(value));
  }
  return {};
}

struct TensorEntry {
  StoredTensor tensor;
  uint64_t offset = 0;  // from the start of the data
  uint64_t size_bytes = 0;
};

Result<TensorEntry> read_entry(ByteReader& reader) {
  TensorEntry entry;
  QB_TRY(entry.tensor.name, read_text(reader, "a tensor's name"));
  const std::string what = fmt::format("tensor \"{}\"", entry.tensor.name);
  QB_TRY(const uint32_t dim_count, reader.number<uint32_t>(what));
  if (dim_count < 1 || dim_count > 8)
    return fail(Errc::bad_input, "{} has {} dimensions", what, dim_count);
  for (uint32_t i = 0; i < dim_count; ++i) {
    QB_TRY(const int64_t extent, reader.number<int64_t>(what));
    entry.tensor.shape.push_back(extent);
  }
  std::ranges::reverse(entry.tensor.shape);  // GGUF counts from the innermost
  QB_TRY(const uint32_t type, reader.number<uint32_t>(what));
  entry.tensor.format = format_of(type);
  QB_TRY(entry.offset, reader.number<uint64_t>(what));
  QB_TRY(entry.size_bytes,
         with_context(byte_count_of(entry.tensor.shape, entry.tensor.format), what));
  return entry;
}

// Tensors lie in the order of their entries, aligned, inside the file, without overlap.
Result<void> place(std::vector<TensorEntry> entries, std::span<const std::byte> data,
                   uint64_t alignment, WeightFile& file) {
  uint64_t end_of_last = 0;
  for (TensorEntry& entry : entries) {
    const auto end = checked_add(entry.offset, entry.size_bytes);
    if (!end || *end > data.size() || entry.offset % alignment != 0 || entry.offset < end_of_last)
      return fail(Errc::bad_input,
                  "tensor \"{}\" of {} bytes at {} overlaps or is outside the {} bytes of data",
                  entry.tensor.name, entry.size_bytes, entry.offset, data.size());
    end_of_last = *end;
    entry.tensor.bytes =
        data.subspan(static_cast<size_t>(entry.offset), static_cast<size_t>(entry.size_bytes));
    file.tensors.push_back(std::move(entry.tensor));
  }
  return {};
}

Result<WeightFile> read_gguf(const std::filesystem::path& path) {
  WeightFile file = {.format_name = "gguf"};
  QB_TRY(MappedFile mapping, MappedFile::open(path));
  QB_CHECK(check_no_stand_in(mapping.bytes()));
  ByteReader reader(mapping.bytes());
  QB_TRY(const std::string_view magic, reader.text(4, "the magic"));
  if (magic != "GGUF") return fail(Errc::bad_input, "does not begin with GGUF");
  QB_TRY(const uint32_t version, reader.number<uint32_t>("the version"));
  if (version != 2 && version != 3)
    return fail(Errc::bad_input, "is GGUF version {}; 2 and 3 are read", version);
  QB_TRY(const uint64_t tensor_count, reader.number<uint64_t>("the tensor count"));
  QB_TRY(const uint64_t field_count, reader.number<uint64_t>("the field count"));
  if (tensor_count > reader.remaining() / 32 || field_count > reader.remaining() / 13)
    return fail(Errc::bad_input, "claims {} tensors and {} fields in {} bytes", tensor_count,
                field_count, reader.remaining());
  QB_CHECK(read_metadata(reader, field_count, file));
  std::vector<TensorEntry> entries;
  for (uint64_t i = 0; i < tensor_count; ++i) {
    QB_TRY(TensorEntry entry, read_entry(reader));
    entries.push_back(std::move(entry));
  }
  const auto alignment = static_cast<uint64_t>(file.metadata["general.alignment"].as_int(32));
  if (alignment > (1u << 20) || !std::has_single_bit(alignment))
    return fail(Errc::bad_input, "general.alignment {} is no power of two", alignment);
  const uint64_t start = (reader.position() + alignment - 1) / alignment * alignment;
  if (tensor_count > 0 && start > mapping.bytes().size())
    return fail(Errc::bad_input, "ends before its data");
  if (tensor_count > 0)
    QB_CHECK(place(std::move(entries), mapping.bytes().subspan(static_cast<size_t>(start)),
                   alignment, file));
  file.mappings.push_back(std::move(mapping));
  return file;
}

}  // namespace

Result<WeightFile> load_gguf(const std::filesystem::path& path) {
  return checked(read_gguf(path), path);
}

}  // namespace qb::weights
