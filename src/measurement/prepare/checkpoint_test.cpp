#include "measurement/prepare/checkpoint.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>

using namespace qb;
using namespace qb::prepare;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / fmt::format("qb_checkpoint_{}", ::getpid());

  explicit Folder(std::initializer_list<const char*> names) {
    fs::create_directories(path);
    for (const char* name : names) std::ofstream(path / name) << "x";
  }
  ~Folder() { fs::remove_all(path); }
};

// The file of weights that is found, or the error.
std::string weights_of(const Folder& folder) {
  const auto files = find_checkpoint(folder.path);
  return files ? files->weights.filename().string() : files.error().message;
}

}  // namespace

TEST_CASE("a folder's weights are found: safetensors before shards before a torch checkpoint") {
  CHECK(weights_of(Folder({"config.json", "model.safetensors", "model.safetensors.index.json",
                           "pytorch_model.bin"})) == "model.safetensors");
  CHECK(weights_of(Folder({"config.json", "model.safetensors.index.json", "pytorch_model.bin"})) ==
        "model.safetensors.index.json");
  CHECK(weights_of(Folder({"config.json", "pytorch_model.bin"})) == "pytorch_model.bin");
  CHECK(weights_of(Folder({"config.json", "a.gguf"})) == "a.gguf");
  CHECK(weights_of(Folder({"a-00001-of-00002.gguf", "a-00002-of-00002.gguf"})) ==
        "a-00001-of-00002.gguf");
}

TEST_CASE("what is missing, or several, is said") {
  const auto says = [](const Folder& folder, const char* words) {
    const std::string found = weights_of(folder);
    CAPTURE(found);
    CHECK(found.find(words) != std::string::npos);
  };
  says(Folder({}), "has no weights");
  says(Folder({"model.safetensors"}), "config.json is missing");
  says(Folder({"a.gguf", "b.gguf"}), "has 2 .gguf files");
  says(Folder({"config.json", "pytorch_model.bin.index.json"}), "save them as safetensors");
  const Folder folder({"model.safetensors"});
  CHECK(
      find_checkpoint(folder.path / "model.safetensors").error().message.find("give the folder") !=
      std::string::npos);
  CHECK(find_checkpoint(folder.path / "none").error().message.find("no such file") !=
        std::string::npos);
}
