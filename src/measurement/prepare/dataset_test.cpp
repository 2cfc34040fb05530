#include "measurement/prepare/dataset.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "base/file.h"

using namespace qb;
using namespace qb::prepare;
namespace fs = std::filesystem;

namespace {

struct TemporaryFolder {
  fs::path path = fs::temp_directory_path() / fmt::format("qb_dataset_{}", ::getpid());
  ~TemporaryFolder() { fs::remove_all(path); }
};

}  // namespace

TEST_CASE("a text of the user's that says nothing is refused by its name, before any tokenizer") {
  const TemporaryFolder folder;
  fs::create_directories(folder.path);
  const auto source = open_model("llama-test", folder.path);
  REQUIRE(source);
  struct Row {
    std::string text, reason;
  };
  const Row rows[] = {{"", "no text is in it"},
                      {" \n\t\n", "no text is in it"},
                      {"caf\xe9 au lait", "is no UTF-8: byte 3"},
                      {"words enough", "has no tokenizer"}};
  for (const Row& row : rows) {
    CAPTURE(row.reason);
    const fs::path file = folder.path / "mine.txt";
    std::ofstream(file, std::ios::binary) << row.text;
    const auto dataset = prepare_dataset(*source, folder.path, folder.path, {.text_file = file});
    REQUIRE_FALSE(dataset);
    CHECK(dataset.error().message.find(row.reason) != std::string::npos);
  }
}

TEST_CASE("data that a power cut left full of zeros is made anew, the same") {
  const TemporaryFolder folder;
  const auto source = open_model("llama-test", folder.path);
  REQUIRE(source);
  const auto made = prepare_calibration(*source, folder.path, folder.path);
  REQUIRE(made);
  const std::string whole = read_file(made->file).value();
  for (const size_t kept_bytes : {size_t{0}, size_t{100}, whole.size() - 64}) {
    CAPTURE(kept_bytes);
    std::string spoilt = whole;
    std::fill(spoilt.begin() + static_cast<long>(kept_bytes), spoilt.end(), '\0');
    std::ofstream(made->file, std::ios::binary) << spoilt;
    const auto again = prepare_calibration(*source, folder.path, folder.path);
    REQUIRE(again);
    CHECK(again->file == made->file);
    CHECK(read_file(again->file).value() == whole);
  }
}
