// GGUF, the container of llama.cpp (versions 2 and 3).
#include <algorithm>
#include <bit>
#include <iterator>
#include <regex>
#include <set>

#include "base/byte_reader.h"
#include "base/checked.h"
#include "base/stand_in.h"
#include "network/weights/readers.h"

namespace qb::weights {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t text_length_max = 100'000'000;

// Metadata types, in the order of their numbers.
enum class Kind : uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, text, array, u64, i64, f64 };

// By ggml's number; an empty name is a number that is not, or no longer, in use.
struct TypeRow {
  std::string_view name;
  StorageFormat format = StorageFormat::other;
};
constexpr TypeRow types[] = {
    {"F32", StorageFormat::f32},
    {"F16", StorageFormat::f16},
    {"Q4_0", StorageFormat::q4_0},
    {"Q4_1", StorageFormat::q4_1},
    {"Q4_2"},
    {"Q4_3"},
    {"Q5_0", StorageFormat::q5_0},
    {"Q5_1", StorageFormat::q5_1},
    {"Q8_0", StorageFormat::q8_0},
    {"Q8_1"},
    {"Q2_K", StorageFormat::q2_k},
    {"Q3_K", StorageFormat::q3_k},
    {"Q4_K", StorageFormat::q4_k},
    {"Q5_K", StorageFormat::q5_k},
    {"Q6_K", StorageFormat::q6_k},
    {"Q8_K"},
    {"IQ2_XXS"},
    {"IQ2_XS"},
    {"IQ3_XXS"},
    {"IQ1_S"},
    {"IQ4_NL", StorageFormat::iq4_nl},
    {"IQ3_S"},
    {"IQ2_S"},
    {"IQ4_XS", StorageFormat::iq4_xs},
    {"I8", StorageFormat::i8},
    {"I16", StorageFormat::i16},
    {"I32", StorageFormat::i32},
    {"I64", StorageFormat::i64},
    {"F64", StorageFormat::f64},
    {"IQ1_M"},
    {"BF16", StorageFormat::bf16},
    {"Q4_0_4_4"},
    {"Q4_0_4_8"},
    {"Q4_0_8_8"},
    {"TQ1_0"},
    {"TQ2_0"},
    {"IQ4_NL_4_4"},
    {"IQ4_NL_4_8"},
    {"IQ4_NL_8_8"},
    {"MXFP4", StorageFormat::mxfp4},
    {"NVFP4"},
};

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

constexpr int array_depth_max = 16;

// Steps over an array of arrays.
Result<void> skip_nested(ByteReader& reader, uint64_t count, const std::string& key, int depth) {
  if (depth > array_depth_max)
    return fail(Errc::bad_input, "field {} is nested deeper than {}", key, array_depth_max);
  for (uint64_t i = 0; i < count; ++i) {
    QB_TRY(const uint32_t kind, reader.number<uint32_t>(key));
    QB_TRY(const uint64_t item_count, reader.number<uint64_t>(key));
    if (static_cast<Kind>(kind) == Kind::array) {
      QB_CHECK(skip_nested(reader, item_count, key, depth + 1));
      continue;
    }
    for (uint64_t j = 0; j < item_count; ++j) {
      QB_TRY([[maybe_unused]] const Json item, read_scalar(reader, kind, key));
    }
  }
  return {};
}

Result<void> read_array(ByteReader& reader, const std::string& key, WeightFile& file) {
  QB_TRY(const uint32_t kind, reader.number<uint32_t>(key));
  QB_TRY(const uint64_t count, reader.number<uint64_t>(key));
  if (count > reader.remaining())  // an item takes at least a byte
    return fail(Errc::bad_input, "field {} claims {} items, {} bytes remain", key, count,
                reader.remaining());
  switch (static_cast<Kind>(kind)) {
    case Kind::array:
      file.nested_arrays.insert(key);
      return skip_nested(reader, count, key, 1);
    case Kind::text:
      for (auto& texts = file.text_arrays[key]; texts.size() < count;) {
        QB_TRY(std::string text, read_text(reader, key));
        texts.push_back(std::move(text));
      }
      return {};
    case Kind::f32:
    case Kind::f64:
      for (auto& reals = file.real_arrays[key]; reals.size() < count;) {
        QB_TRY(const Json item, read_scalar(reader, kind, key));
        reals.push_back(item.as_double());
      }
      return {};
    default:
      for (auto& integers = file.integer_arrays[key]; integers.size() < count;) {
        QB_TRY(const Json item, read_scalar(reader, kind, key));
        integers.push_back(item.is_bool() ? int64_t{item.as_bool()} : item.as_int());
      }
      return {};
  }
}

Result<void> read_metadata(ByteReader& reader, uint64_t count, WeightFile& file) {
  std::set<std::string> keys;
  Json::Object fields;
  for (uint64_t i = 0; i < count; ++i) {
    QB_TRY(std::string key, read_text(reader, "a metadata key"));
    QB_TRY(const uint32_t kind, reader.number<uint32_t>(key));
    if (!keys.insert(key).second) return fail(Errc::bad_input, "field {} appears twice", key);
    if (static_cast<Kind>(kind) == Kind::array) {
      QB_CHECK(read_array(reader, key, file));
      continue;
    }
    QB_TRY(Json value, read_scalar(reader, kind, key));
    fields.emplace_back(std::move(key), std::move(value));
  }
  file.metadata = Json(std::move(fields));
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
  if (dim_count > 8) return fail(Errc::bad_input, "{} has {} dimensions", what, dim_count);
  for (uint32_t i = 0; i < dim_count; ++i) {
    QB_TRY(const int64_t extent, reader.number<int64_t>(what));
    entry.tensor.shape.push_back(extent);
  }
  std::ranges::reverse(entry.tensor.shape);  // GGUF counts from the innermost
  QB_TRY(const uint32_t type, reader.number<uint32_t>(what));
  const TypeRow row = type < std::size(types) ? types[type] : TypeRow{};
  entry.tensor.format = row.format;
  entry.tensor.type = row.name.empty() ? fmt::format("type {}", type) : std::string(row.name);
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

Result<WeightFile> read_part(const fs::path& path) {
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
  if (tensor_count > reader.remaining() / 24 || field_count > reader.remaining() / 13)
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
  const bool has_bytes =
      std::ranges::any_of(entries, [](const TensorEntry& entry) { return entry.size_bytes > 0; });
  if (has_bytes && start > mapping.bytes().size())
    return fail(Errc::bad_input, "ends before its data");
  const size_t data = std::min(static_cast<size_t>(start), mapping.bytes().size());
  QB_CHECK(place(std::move(entries), mapping.bytes().subspan(data), alignment, file));
  file.mappings.push_back(std::move(mapping));
  file.paths.push_back(path);
  return file;
}

// "m-00002-of-00003.gguf" for 2, given any part of it; empty when the name is no part's.
fs::path part_path(const fs::path& path, int64_t number, int64_t count) {
  static const std::regex pattern("(.*)-\\d{5}-of-(\\d{5})\\.gguf");
  std::smatch match;
  const std::string name = path.filename().string();
  if (!std::regex_match(name, match, pattern) || match[2] != fmt::format("{:05}", count)) return {};
  return path.parent_path() / fmt::format("{}-{:05}-of-{:05}.gguf", match[1].str(), number, count);
}

// The first part has the metadata, each has tensors.
Result<void> add_parts(const fs::path& path, WeightFile& file) {
  const int64_t count = file.metadata["split.count"].as_int();
  const int64_t number = file.metadata["split.no"].as_int() + 1;
  if (count <= 1) return {};
  if (count > 99999 || number < 1 || number > count)
    return fail(Errc::bad_input, "claims to be part {} of {}", number, count);
  const fs::path first = part_path(path, 1, count);
  if (first.empty())
    return fail(Errc::bad_input,
                "is part {} of {}, and without a name like m-{:05}-of-{:05}.gguf the other parts "
                "can't be found",
                number, count, number, count);
  if (number != 1)
    return fail(Errc::bad_input, "is part {} of {}: give the first, {}", number, count,
                first.filename().string());
  for (int64_t i = 2; i <= count; ++i) {
    const fs::path next = part_path(path, i, count);
    QB_TRY(WeightFile part, with_context(read_part(next), next.filename().string()));
    if (part.metadata["split.no"].as_int(-1) != i - 1 ||
        part.metadata["split.count"].as_int() != count)
      return fail(Errc::bad_input, "{} doesn't say that it is part {} of {}",
                  next.filename().string(), i, count);
    std::ranges::move(part.tensors, std::back_inserter(file.tensors));
    std::ranges::move(part.mappings, std::back_inserter(file.mappings));
    file.paths.push_back(next);
  }
  const Json& total = file.metadata["split.tensors.count"];
  if (total.is_int() && total.as_int() != static_cast<int64_t>(file.tensors.size()))
    return fail(Errc::bad_input, "split.tensors.count is {}, the {} parts have {}", total.as_int(),
                count, file.tensors.size());
  return {};
}

Result<WeightFile> read_gguf(const fs::path& path) {
  QB_TRY(WeightFile file, read_part(path));
  QB_CHECK(add_parts(path, file));
  return file;
}

}  // namespace

Result<WeightFile> load_gguf(const fs::path& path) { return checked(read_gguf(path), path); }

}  // namespace qb::weights
