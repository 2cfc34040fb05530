#include "compression/bundle/tensor_file.h"

#include <unistd.h>

#include <fstream>

#include "base/byte_reader.h"
#include "base/checked.h"
#include "base/hash.h"

namespace qb::bundle {
namespace fs = std::filesystem;
namespace {

constexpr size_t header_bytes = 4096;  // the JSON header, padded with spaces
constexpr size_t alignment = 64;

size_t aligned(size_t offset) { return (offset + alignment - 1) / alignment * alignment; }

Result<std::string> padded_header(const Json& attributes, Json::Array entries,
                                  const std::string& content_hash) {
  std::string text = dump_json(Json::object({{"tensors", std::move(entries)},
                                             {"attributes", attributes},
                                             {"content_hash", content_hash}}));
  if (text.size() + 1 > header_bytes)
    return fail(Errc::bad_input, "the header takes {} bytes", text.size());
  text.resize(header_bytes - 1, ' ');
  return text + "\n";
}

Json entry_json(std::string_view name, ElementType type, std::span<const int64_t> shape,
                size_t offset) {
  return Json::object({{"name", name},
                       {"type", name_of(type)},
                       {"shape", Json::array_of(shape)},
                       {"offset", offset}});
}

// The bytes of an entry of the header, inside the file.
Result<std::span<const std::byte>> find_bytes(const Json& entry, std::span<const std::byte> file,
                                              ElementType type, const std::vector<int64_t>& shape) {
  uint64_t size_bytes = bytes_of(type);
  for (const int64_t extent : shape) {
    const auto product = checked_multiply(size_bytes, static_cast<uint64_t>(extent));
    if (extent < 1 || !product) return fail(Errc::bad_input, "has a bad shape");
    size_bytes = *product;
  }
  QB_TRY(const int64_t offset, entry.get_int("offset"));
  const auto end = checked_add(static_cast<uint64_t>(offset), size_bytes);
  if (offset < 0 || static_cast<size_t>(offset) % alignment != 0 || !end || *end > file.size())
    return fail(Errc::bad_input, "lies outside the file");
  return file.subspan(static_cast<size_t>(offset), static_cast<size_t>(size_bytes));
}

}  // namespace

Result<void> save_tensor_file(const fs::path& path, const Json& attributes,
                              std::span<const NamedTensor> tensors) {
  Json::Array entries;
  Hasher hasher;
  std::string body;
  for (const NamedTensor& named : tensors) {
    body.resize(aligned(header_bytes + body.size()) - header_bytes, '\0');
    entries.push_back(
        entry_json(named.name, named.tensor.type, named.tensor.shape, header_bytes + body.size()));
    const std::string_view bytes(static_cast<const char*>(named.tensor.data),
                                 named.tensor.size_bytes());
    hasher.update(bytes);
    body += bytes;
  }
  QB_TRY(const std::string header, padded_header(attributes, std::move(entries), hasher.hex()));
  return write_file_atomically(path, header + body);
}

Result<TensorFile> TensorFile::open(const fs::path& path) {
  TensorFile file;
  file.path_ = path;
  QB_TRY(file.mapping_, MappedFile::open(path));
  ByteReader reader(file.mapping_.bytes());
  QB_TRY(const std::string_view text,
         with_context(reader.text(header_bytes, "the header"), path.string()));
  QB_TRY(const Json header, with_context(parse_json(text), path.string()));
  file.attributes_ = header["attributes"];
  file.content_hash_ = header["content_hash"].as_string();
  Hasher hasher;
  for (const Json& item : header["tensors"].as_array()) {
    Entry entry = {.type = item["type"].as_string() == "i64" ? ElementType::i64 : ElementType::f32};
    for (const Json& extent : item["shape"].as_array()) entry.shape.push_back(extent.as_int());
    const std::string& name = item["name"].as_string();
    QB_TRY(entry.bytes,
           with_context(find_bytes(item, file.mapping_.bytes(), entry.type, entry.shape),
                        fmt::format("{}: tensor \"{}\"", path.string(), name)));
    hasher.update(entry.bytes);
    file.entries_.emplace(name, std::move(entry));
  }
  if (hasher.hex() != file.content_hash_)
    return fail(Errc::bad_input, "{}: its content doesn't match its hash; delete it",
                path.string());
  return file;
}

Result<TensorView> TensorFile::find(std::string_view name, ElementType type, size_t rank) const {
  const auto found = entries_.find(name);
  if (found == entries_.end() || found->second.type != type || found->second.shape.size() != rank)
    return fail(Errc::bad_input, "{}: has no {} tensor \"{}\" of rank {}", path_.string(),
                name_of(type), name, rank);
  return TensorView{type, found->second.shape, found->second.bytes.data()};
}

Result<TensorView> TensorFile::find_only(ElementType type, size_t rank) const {
  const Entry* found = nullptr;
  for (const auto& [name, entry] : entries_) {
    if (entry.type != type || entry.shape.size() != rank) continue;
    if (found)
      return fail(Errc::bad_input, "{}: has several {} tensors of rank {}", path_.string(),
                  name_of(type), rank);
    found = &entry;
  }
  if (!found)
    return fail(Errc::bad_input, "{}: has no {} tensor of rank {}", path_.string(), name_of(type),
                rank);
  return TensorView{type, found->shape, found->bytes.data()};
}

struct MatrixWriter::State {
  fs::path path;
  fs::path temporary;
  std::string name;
  Json attributes;
  int64_t column_count;
  int64_t row_count = 0;
  std::ofstream out;
  Hasher hasher;
};

MatrixWriter::MatrixWriter(fs::path path, std::string name, Json attributes, int64_t column_count)
    : state_(std::make_unique<State>()) {
  state_->temporary = fmt::format("{}.{}.tmp", path.string(), ::getpid());
  state_->path = std::move(path);
  state_->name = std::move(name);
  state_->attributes = std::move(attributes);
  state_->column_count = column_count;
  state_->out.open(state_->temporary, std::ios::binary);
  state_->out << std::string(header_bytes, ' ');
}

MatrixWriter::MatrixWriter(MatrixWriter&&) noexcept = default;

MatrixWriter::~MatrixWriter() {
  std::error_code ignored;
  if (state_) fs::remove(state_->temporary, ignored);
}

Result<void> MatrixWriter::append(std::span<const float> rows) {
  const auto bytes = std::as_bytes(rows);
  state_->out.write(reinterpret_cast<const char*>(bytes.data()),
                    static_cast<std::streamsize>(bytes.size()));
  if (!state_->out)
    return fail(Errc::io, "{}: cannot write: {}", state_->temporary.string(), system_message());
  state_->hasher.update(bytes);
  state_->row_count += static_cast<int64_t>(rows.size()) / state_->column_count;
  return {};
}

Result<void> MatrixWriter::finish() {
  const int64_t shape[] = {state_->row_count, state_->column_count};
  QB_TRY(const std::string header,
         padded_header(state_->attributes,
                       {entry_json(state_->name, ElementType::f32, shape, header_bytes)},
                       state_->hasher.hex()));
  state_->out.seekp(0);
  state_->out << header;
  state_->out.close();
  if (state_->out.fail())
    return fail(Errc::io, "{}: cannot write: {}", state_->path.string(), system_message());
  return put_into_place(state_->temporary, state_->path);
}

}  // namespace qb::bundle
