// What a download left instead of the weights.
#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>

#include "network/weights/weight_file.h"

using namespace qb;
using namespace qb::weights;
namespace fs = std::filesystem;

TEST_CASE("every reader of weights names a pointer and a web page for what they are") {
  const fs::path folder = fs::temp_directory_path() / fmt::format("qb_stand_in_{}", ::getpid());
  fs::create_directories(folder);
  struct Row {
    const char* text;
    const char* word;
  };
  const Row rows[] = {{"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
                       "is a Git LFS pointer"},
                      {"<!DOCTYPE html><html><body>Sign in</body></html>", "is a web page"}};
  using Load = Result<WeightFile> (*)(const fs::path&);
  for (const Load load :
       {Load(load_weights), Load(load_gguf), Load(load_safetensors), Load(load_torch)})
    for (const char* name : {"m.gguf", "m.safetensors", "m.safetensors.index.json", "m.pth"})
      for (const Row& row : rows) {
        std::ofstream(folder / name) << row.text;
        const auto file = load(folder / name);
        REQUIRE_FALSE(file);
        CAPTURE(file.error().message);
        CHECK(file.error().message.find(row.word) != std::string::npos);
        CHECK(file.error().message.find(name) != std::string::npos);
      }
  fs::remove_all(folder);
}
