#include "compression/bundle/tensor_file.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>

using namespace qb;
using namespace qb::bundle;
namespace fs = std::filesystem;

namespace {

struct TemporaryFile {
  fs::path path = fs::temp_directory_path() / fmt::format("qb_tensors_{}", ::getpid());
  ~TemporaryFile() { fs::remove(path); }
};

}  // namespace

TEST_CASE("tensors and attributes survive a round trip") {
  const TemporaryFile file;
  const std::vector<float> images = {1, 2, 3, 4, 5, 6};
  const std::vector<int64_t> labels = {7, -1};
  const int64_t image_shape[] = {2, 3};
  const int64_t label_shape[] = {2};
  const NamedTensor tensors[] = {{"images", {ElementType::f32, image_shape, images.data()}},
                                 {"labels", {ElementType::i64, label_shape, labels.data()}}};
  REQUIRE(save_tensor_file(file.path, Json::object({{"name", "x"}}), tensors));
  const auto read = TensorFile::open(file.path);
  REQUIRE(read);
  CHECK(read->attributes()["name"].as_string() == "x");
  CHECK(read->find("images", ElementType::f32, 2)->f32()[5] == 6);
  CHECK(read->find("labels", ElementType::i64, 1)->i64()[1] == -1);
  CHECK(read->find("labels", ElementType::f32, 1).error().message.find("\"labels\"") !=
        std::string::npos);
  CHECK_FALSE(read->find("absent", ElementType::f32, 2));
}

TEST_CASE("a matrix written row by row is read whole") {
  const TemporaryFile file;
  MatrixWriter writer(file.path, "logits", Json::object({}), 2);
  REQUIRE(writer.append(std::vector<float>{1, 2}));
  REQUIRE(writer.append(std::vector<float>{3, 4, 5, 6}));
  CHECK_FALSE(fs::exists(file.path));
  REQUIRE(writer.finish());
  const auto read = TensorFile::open(file.path);
  REQUIRE(read);
  const auto logits = read->find("logits", ElementType::f32, 2);
  CHECK(logits->shape[0] == 3);
}

TEST_CASE("a file whose content isn't what was written is refused by name") {
  const TemporaryFile file;
  MatrixWriter writer(file.path, "logits", Json::object({}), 2);
  REQUIRE(writer.append(std::vector<float>{1, 2, 3, 4}));
  REQUIRE(writer.finish());
  std::string spoilt = read_file(file.path).value();
  std::fill(spoilt.end() - 8, spoilt.end(), '\0');  // as a power cut leaves a file
  REQUIRE(write_file_atomically(file.path, spoilt));
  const auto read = TensorFile::open(file.path);
  REQUIRE_FALSE(read);
  CHECK(read.error().message.find(file.path.filename().string()) != std::string::npos);
  CHECK(read.error().message.find("hash") != std::string::npos);
}

TEST_CASE("a tensor outside its file is refused") {
  const TemporaryFile file;
  const std::vector<float> values(100, 1.0f);
  const int64_t shape[] = {100};
  const NamedTensor tensors[] = {{"x", {ElementType::f32, shape, values.data()}}};
  REQUIRE(save_tensor_file(file.path, {}, tensors));
  const std::string whole = read_file(file.path).value();
  struct Row {
    std::string from, to;
  };
  for (const Row& row : {Row{"[100]", "[999]"}, Row{"[100]", "[-10]"}, Row{"4096", "4097"},
                         Row{"4096", "9999"}, Row{"{", "["}}) {
    std::string spoilt = whole;
    spoilt.replace(spoilt.find(row.from), row.from.size(), row.to);
    REQUIRE(write_file_atomically(file.path, spoilt));
    CHECK_FALSE(TensorFile::open(file.path));
  }
  REQUIRE(write_file_atomically(file.path, whole.substr(0, whole.size() - 1)));
  CHECK_FALSE(TensorFile::open(file.path));
}
