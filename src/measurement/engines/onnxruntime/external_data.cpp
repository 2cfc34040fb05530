#include "measurement/engines/onnxruntime/external_data.h"

#include <algorithm>
#include <vector>

#include "base/byte_reader.h"
#include "base/file.h"
#include "base/stand_in.h"

namespace qb::ort {
namespace fs = std::filesystem;
namespace {

constexpr int depth_max = 100;  // protobuf's own limit

// The messages of onnx.proto on the way to a tensor's external data.
enum class Message { model, graph, node, attribute, function, training, sparse_tensor, tensor };

struct FieldRow {
  Message of;
  uint32_t number;
  Message message;
};
constexpr FieldRow field_rows[] = {
    {Message::model, 7, Message::graph},
    {Message::model, 20, Message::training},
    {Message::model, 25, Message::function},
    {Message::training, 1, Message::graph},
    {Message::training, 2, Message::graph},
    {Message::function, 7, Message::node},
    {Message::function, 11, Message::attribute},
    {Message::graph, 1, Message::node},
    {Message::graph, 5, Message::tensor},
    {Message::graph, 15, Message::sparse_tensor},
    {Message::node, 5, Message::attribute},
    {Message::attribute, 5, Message::tensor},
    {Message::attribute, 6, Message::graph},
    {Message::attribute, 10, Message::tensor},
    {Message::attribute, 11, Message::graph},
    {Message::attribute, 22, Message::sparse_tensor},
    {Message::attribute, 23, Message::sparse_tensor},
    {Message::sparse_tensor, 1, Message::tensor},
    {Message::sparse_tensor, 2, Message::tensor},
};
constexpr uint32_t tensor_external_data = 13;  // repeated StringStringEntryProto

struct Field {
  uint32_t number = 0;
  bool is_bytes = false;
  std::span<const std::byte> bytes;  // of strings and messages
};

Result<uint64_t> read_varint(ByteReader& reader) {
  uint64_t value = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    QB_TRY(const uint8_t byte, reader.number<uint8_t>("a number"));
    value |= static_cast<uint64_t>(byte & 0x7fu) << std::min(shift, 63);
    if (byte < 0x80u) return value;
  }
  return fail(Errc::bad_input, "a number of more than ten bytes");
}

Result<Field> read_field(ByteReader& reader) {
  QB_TRY(const uint64_t tag, read_varint(reader));
  if (tag > UINT32_MAX || tag >> 3 == 0) return fail(Errc::bad_input, "a field without number");
  Field field = {.number = static_cast<uint32_t>(tag >> 3)};
  switch (tag & 7u) {
    case 0:
      QB_CHECK(read_varint(reader));
      return field;
    case 1:
      QB_CHECK(reader.take(8, "a field"));
      return field;
    case 2: {
      QB_TRY(const uint64_t length, read_varint(reader));
      field.is_bytes = true;
      QB_TRY(field.bytes, reader.take(length, "a field"));
      return field;
    }
    case 5:
      QB_CHECK(reader.take(4, "a field"));
      return field;
    default:
      return fail(Errc::bad_input, "a field of a kind that ONNX doesn't have");
  }
}

// {key: "location", value: …}. Should a field be there twice, all are taken.
Result<void> read_entry(std::span<const std::byte> bytes, std::set<std::string>& locations) {
  bool is_location = false;
  std::vector<std::string> values;
  for (ByteReader reader(bytes); reader.remaining() > 0;) {
    QB_TRY(const Field field, read_field(reader));
    const std::string text(reinterpret_cast<const char*>(field.bytes.data()), field.bytes.size());
    if (field.is_bytes && field.number == 1) is_location |= text == "location";
    if (field.is_bytes && field.number == 2) values.push_back(text);
  }
  if (is_location) locations.insert(values.begin(), values.end());
  return {};
}

Result<void> walk(Message message, std::span<const std::byte> bytes, int depth,
                  std::set<std::string>& locations) {
  if (depth > depth_max)
    return fail(Errc::bad_input, "messages nested more than {} deep", depth_max);
  for (ByteReader reader(bytes); reader.remaining() > 0;) {
    QB_TRY(const Field field, read_field(reader));
    if (!field.is_bytes) continue;
    if (message == Message::tensor && field.number == tensor_external_data)
      QB_CHECK(read_entry(field.bytes, locations));
    for (const FieldRow& row : field_rows)
      if (row.of == message && row.number == field.number)
        QB_CHECK(walk(row.message, field.bytes, depth + 1, locations));
  }
  return {};
}

bool is_inside(const fs::path& file, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), file.begin(), file.end()).first ==
         folder.end();
}

Result<void> check_location(const fs::path& model_file, const std::string& location) {
  const fs::path relative(location);
  if (location.empty() || location.find('\0') != std::string::npos || relative.is_absolute())
    return fail(Errc::bad_input, "must be a path below the model's folder");
  if (std::ranges::find(relative, fs::path("..")) != relative.end())
    return fail(Errc::bad_input, "has \"..\", which may lead out of the model's folder");
  std::error_code error;
  const fs::path file = fs::canonical(model_file.parent_path() / relative, error);
  if (error) return fail(Errc::not_found, "is not there: {}", error.message());
  const fs::path folder = fs::canonical(model_file.parent_path(), error);
  const fs::path linked_folder = fs::canonical(model_file, error).parent_path();
  if (error) return fail(Errc::io, "{}", error.message());
  if (!is_inside(file, folder) && !is_inside(file, linked_folder))
    return fail(Errc::bad_input, "is a link that leads out of the model's folder");
  if (!fs::is_regular_file(file, error)) return fail(Errc::bad_input, "is no regular file");
  QB_TRY(const MappedFile data, MappedFile::open(file));
  return check_no_stand_in(data.bytes());
}

}  // namespace

Result<std::set<std::string>> find_external_locations(std::span<const std::byte> model) {
  std::set<std::string> locations;
  QB_CHECK(walk(Message::model, model, 0, locations));
  return locations;
}

Result<std::set<std::string>> check_external_data(const fs::path& model_file) {
  const std::string name = model_file.filename().string();
  QB_TRY(const MappedFile file, MappedFile::open(model_file));
  auto locations = find_external_locations(file.bytes());
  if (!locations)
    return fail(Errc::bad_input, "{}: is no ONNX model: {}", name, locations.error().message);
  for (const std::string& location : *locations)
    if (const auto good = check_location(fs::absolute(model_file), location); !good)
      return fail(good.error().code, "{}: its external data \"{}\" {}", name, location,
                  good.error().message);
  return locations;
}

}  // namespace qb::ort
