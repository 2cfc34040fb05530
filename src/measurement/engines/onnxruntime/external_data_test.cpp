// Hostile models, written byte by byte: what they name is found wherever a tensor may stand.
#include "measurement/engines/onnxruntime/external_data.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>

using namespace qb;
using namespace qb::ort;
namespace fs = std::filesystem;

namespace {

std::string varint(uint64_t value) {
  std::string text;
  for (; value >= 0x80; value >>= 7) text += static_cast<char>(value | 0x80);
  return text + static_cast<char>(value);
}

// A length-delimited field.
std::string field(uint32_t number, std::string_view content) {
  return varint(uint64_t{number} << 3 | 2) + varint(content.size()) + std::string(content);
}

// A TensorProto: a name, raw data that looks like a message, and its external location.
std::string tensor(std::string_view location) {
  return field(8, "w") + field(13, field(1, "offset") + field(2, "0")) +
         field(13, field(1, "location") + field(2, location));
}
std::string attribute(std::string_view content) { return field(5, content); }  // of a node
std::string node(std::string_view content) { return field(1, content); }       // of a graph
std::string graph(std::string_view content) { return field(7, content); }      // of a model

Result<std::set<std::string>> find(std::string_view model) {
  return find_external_locations(std::as_bytes(std::span(model)));
}

struct Folder {
  fs::path path = fs::temp_directory_path() / fmt::format("qb_external_{}", ::getpid());
  Folder() { fs::create_directories(path / "model/weights"); }
  ~Folder() { fs::remove_all(path); }
  void write(const fs::path& name, std::string_view text) const {
    std::ofstream(path / name, std::ios::binary) << text;
  }
  std::string check(std::string_view location) const {
    write("model/m.onnx", graph(field(5, tensor(location))));
    const auto found = check_external_data(path / "model/m.onnx");
    return found ? "good" : found.error().message;
  }
};

}  // namespace

TEST_CASE("external data is found at every place a tensor may have") {
  const std::string t = tensor("w.bin");
  const std::string sparse = field(1, t);
  struct Row {
    const char* where;
    std::string model;
  };
  const Row rows[] = {
      {"initializer", graph(field(5, t))},
      {"sparse initializer's values", graph(field(15, sparse))},
      {"sparse initializer's indices", graph(field(15, field(2, t)))},
      {"attribute's tensor", graph(node(attribute(field(5, t))))},
      {"attribute's tensors", graph(node(attribute(field(10, t))))},
      {"attribute's sparse tensor", graph(node(attribute(field(22, sparse))))},
      {"attribute's sparse tensors", graph(node(attribute(field(23, sparse))))},
      {"subgraph", graph(node(attribute(field(6, field(5, t)))))},
      {"subgraphs", graph(node(attribute(field(11, field(5, t)))))},
      {"subgraph of a subgraph",
       graph(node(attribute(field(6, node(attribute(field(6, field(5, t))))))))},
      {"function's node", field(25, field(7, attribute(field(5, t))))},
      {"function's attribute", field(25, field(11, field(5, t)))},
      {"training's initialization", field(20, field(1, field(5, t)))},
      {"training's algorithm", field(20, field(2, field(5, t)))},
      {"second graph", graph("") + graph(field(5, t))},
      {"entry with a key given twice",
       graph(field(5, field(13, field(1, "x") + field(1, "location") + field(2, "w.bin"))))}};
  for (const Row& row : rows) {
    CAPTURE(row.where);
    const auto found = find(row.model);
    REQUIRE(found);
    CHECK(*found == std::set<std::string>{"w.bin"});
  }
  CHECK(find(graph(field(5, field(9, t))))->empty());  // raw data, not a message
}

TEST_CASE("bytes that are no message are refused, not guessed at") {
  std::string deep = "x";
  for (int i = 0; i < 40; ++i) deep = node(attribute(field(6, deep)));
  const std::string rows[] = {"\x3a\x7f too short", std::string(11, '\xff'), std::string(1, '\0'),
                              "\x3b group",         graph("\x2a\x05xx"),     graph(deep)};
  for (const std::string& row : rows) {
    CAPTURE(row);
    CHECK_FALSE(find(row));
  }
  CHECK(find("")->empty());
}

TEST_CASE("external data must lie in the model's folder, links followed") {
  const Folder folder;
  folder.write("model/w.bin", "w");
  folder.write("model/weights/w.bin", "w");
  folder.write("secret", "s");
  fs::create_symlink(folder.path / "secret", folder.path / "model/leads_out");
  fs::create_symlink("w.bin", folder.path / "model/leads_in");
  fs::create_directory_symlink(folder.path, folder.path / "model/folder_out");
  CHECK(folder.check("w.bin") == "good");
  CHECK(folder.check("weights/w.bin") == "good");
  CHECK(folder.check("./w.bin") == "good");
  CHECK(folder.check("leads_in") == "good");
  const auto refuses = [&](const std::string& location, std::string_view word) {
    CAPTURE(location);
    const std::string message = folder.check(location);
    CHECK(message.find("m.onnx: its external data") == 0);
    CHECK(message.find(word) != std::string::npos);
  };
  refuses((folder.path / "model/w.bin").string(), "below the model's folder");
  refuses("/etc/passwd", "below the model's folder");
  refuses("", "below the model's folder");
  refuses("../secret", "\"..\"");
  refuses("weights/../../secret", "\"..\"");
  refuses("leads_out", "leads out");
  refuses("folder_out/secret", "leads out");
  refuses("weights", "no regular file");
  refuses("nowhere.bin", "is not there");
  refuses("*/_ORT_MEM_ADDR_/*", "is not there");
}

TEST_CASE("a model that is a link may have its data beside what it links to, as caches keep it") {
  const Folder folder;
  folder.write("model/w.bin", "w");
  folder.write("model/blob", graph(field(5, tensor("w.bin"))));
  fs::create_directories(folder.path / "snapshot");
  fs::create_symlink("../model/blob", folder.path / "snapshot/m.onnx");
  fs::create_symlink("../model/w.bin", folder.path / "snapshot/w.bin");
  CHECK(check_external_data(folder.path / "snapshot/m.onnx"));
}
