// safetensors: a JSON header, then the tensors without gap or overlap.
#include <algorithm>
#include <set>
#include <utility>

#include "base/byte_reader.h"
#include "base/stand_in.h"
#include "network/weights/readers.h"

namespace qb::weights {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t header_bytes_max = 100'000'000;

struct FormatName {
  std::string_view name;
  StorageFormat format;
};
constexpr FormatName format_names[] = {
    {"F64", StorageFormat::f64},      {"F32", StorageFormat::f32},
    {"F16", StorageFormat::f16},      {"BF16", StorageFormat::bf16},
    {"I64", StorageFormat::i64},      {"I32", StorageFormat::i32},
    {"I16", StorageFormat::i16},      {"I8", StorageFormat::i8},
    {"U64", StorageFormat::u64},      {"U32", StorageFormat::u32},
    {"U16", StorageFormat::u16},      {"U8", StorageFormat::u8},
    {"BOOL", StorageFormat::boolean}, {"F8_E4M3", StorageFormat::f8},
    {"F8_E5M2", StorageFormat::f8},   {"F8_E8M0", StorageFormat::f8},
    {"F6_E2M3", StorageFormat::f6},   {"F6_E3M2", StorageFormat::f6},
    {"F4", StorageFormat::f4},        {"C64", StorageFormat::c64}};

Result<StorageFormat> format_of(std::string_view name) {
  for (const FormatName& row : format_names)
    if (row.name == name) return row.format;
  return fail(Errc::bad_input, "unknown dtype \"{}\"", name);
}

Result<StoredTensor> read_tensor(const std::string& name, const Json& entry,
                                 std::span<const std::byte> data, uint64_t& next) {
  StoredTensor tensor = {.name = name, .type = entry["dtype"].as_string()};
  QB_TRY(tensor.format, format_of(tensor.type));
  for (const Json& extent : entry["shape"].as_array()) tensor.shape.push_back(extent.as_int(-1));
  QB_TRY(const uint64_t size_bytes, byte_count_of(tensor.shape, tensor.format));
  const auto& offsets = entry["data_offsets"].as_array();
  if (offsets.size() != 2 || !offsets[0].is_int() || !offsets[1].is_int())
    return fail(Errc::bad_input, "data_offsets must be two integers");
  const auto start = static_cast<uint64_t>(offsets[0].as_int());
  const auto end = static_cast<uint64_t>(offsets[1].as_int());
  if (start != next || end < start || end - start != size_bytes || end > data.size())
    return fail(Errc::bad_input, "data_offsets [{}, {}] do not hold {} bytes after {} of {}", start,
                end, size_bytes, next, data.size());
  next = end;
  tensor.bytes = data.subspan(static_cast<size_t>(start), static_cast<size_t>(size_bytes));
  return tensor;
}

Result<void> read_shard(const fs::path& path, WeightFile& file) {
  QB_TRY(MappedFile mapping, MappedFile::open(path));
  QB_CHECK(check_no_stand_in(mapping.bytes()));
  ByteReader reader(mapping.bytes());
  QB_TRY(const uint64_t header_bytes, reader.number<uint64_t>("the header's length"));
  if (header_bytes > header_bytes_max)
    return fail(Errc::bad_input, "has a header of {} bytes", header_bytes);
  QB_TRY(const std::string_view text, reader.text(header_bytes, "the header"));
  QB_TRY(const Json header, parse_json(text));
  if (!header.is_object()) return fail(Errc::bad_input, "the header is no JSON object");
  const auto data = mapping.bytes().subspan(reader.position());
  // Entries may come in any order; their bytes must follow one another.
  std::vector<const Json::Member*> entries;
  for (const Json::Member& member : header.as_object()) {
    if (member.first == "__metadata__")
      file.metadata = member.second;
    else
      entries.push_back(&member);
  }
  // An empty one lies before the one that begins at the same place.
  const auto place_of = [](const Json::Member* member) {
    const auto& offsets = member->second["data_offsets"].as_array();
    return offsets.size() == 2 ? std::pair(offsets[0].as_int(-1), offsets[1].as_int(-1))
                               : std::pair(int64_t{-1}, int64_t{-1});
  };
  std::ranges::sort(entries, {}, place_of);
  uint64_t next = 0;
  for (const Json::Member* member : entries) {
    QB_TRY(StoredTensor tensor, with_context(read_tensor(member->first, member->second, data, next),
                                             fmt::format("tensor \"{}\"", member->first)));
    file.tensors.push_back(std::move(tensor));
  }
  if (next != data.size())
    return fail(Errc::bad_input, "{} bytes of data belong to no tensor", data.size() - next);
  file.mappings.push_back(std::move(mapping));
  file.paths.push_back(path);
  return {};
}

// A shard's path, which after following links must lie in the index's folder, or in that which the
// index is a link into: a hub's cache keeps both so.
Result<fs::path> contained(const fs::path& index, const std::string& name) {
  std::error_code error;
  const fs::path folder = index.parent_path().empty() ? "." : index.parent_path();
  const fs::path root = fs::canonical(folder, error);
  const fs::path linked_root = fs::canonical(index, error).parent_path();
  const fs::path path = fs::canonical(folder / name, error);
  if (error) return fail(Errc::not_found, "shard {}: {}", name, error.message());
  if (path.parent_path() != root && path.parent_path() != linked_root)
    return fail(Errc::bad_input, "shard {} is outside the folder", name);
  return path;
}

Result<WeightFile> read_safetensors(const fs::path& path) {
  WeightFile file = {.format_name = "safetensors"};
  if (path.extension() != ".json") {
    QB_CHECK(read_shard(path, file));
    return file;
  }
  QB_TRY(const std::string text, read_file(path));
  QB_CHECK(check_no_stand_in(std::as_bytes(std::span(text))));
  QB_TRY(const Json index, parse_json(text));
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : index["weight_map"].as_object())
    shards.insert(shard.as_string());
  if (shards.empty()) return fail(Errc::bad_input, "has no weight_map");
  file.paths.push_back(path);
  for (const std::string& shard : shards) {
    QB_TRY(const fs::path shard_path, contained(path, shard));
    QB_CHECK(with_context(read_shard(shard_path, file), shard));
  }
  return file;
}

}  // namespace

Result<WeightFile> load_safetensors(const fs::path& path) {
  return checked(read_safetensors(path), path);
}

}  // namespace qb::weights
