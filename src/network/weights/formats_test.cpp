// Every reader with every type of its format: the file opens, and a tensor is read or refused by
// name and type, when it is needed.
#include <doctest/doctest.h>
#include <unistd.h>

#include <bit>
#include <ctime>
#include <fstream>

#include "network/weights/weight_file.h"

using namespace qb;
using namespace qb::weights;
namespace fs = std::filesystem;

namespace {

struct TemporaryFolder {
  fs::path path = fs::temp_directory_path() / fmt::format("qb_formats_{}", ::getpid());
  TemporaryFolder() { fs::create_directories(path); }
  ~TemporaryFolder() { fs::remove_all(path); }
  fs::path write(std::string_view name, std::string_view content) const {
    std::ofstream(path / name, std::ios::binary) << content;
    return path / name;
  }
};

template <typename T>
std::string raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}
std::string counted(std::string_view text) {
  return raw<uint64_t>(text.size()) + std::string(text);
}

struct GgufTensor {
  std::string name;
  std::vector<int64_t> extents;  // innermost first
  uint32_t type = 0;
  std::string bytes;
};

// `fields` are whole: key, type and value.
std::string gguf(const std::vector<std::string>& fields, const std::vector<GgufTensor>& tensors) {
  std::string out =
      "GGUF" + raw<uint32_t>(3) + raw<uint64_t>(tensors.size()) + raw<uint64_t>(fields.size());
  for (const std::string& field : fields) out += field;
  std::string data;
  for (const GgufTensor& tensor : tensors) {
    out += counted(tensor.name) + raw(static_cast<uint32_t>(tensor.extents.size()));
    for (const int64_t extent : tensor.extents) out += raw(extent);
    out += raw(tensor.type) + raw<uint64_t>(data.size());
    data += tensor.bytes;
    data.resize((data.size() + 31) / 32 * 32, '\0');
  }
  out.resize((out.size() + 31) / 32 * 32, '\0');
  return out + data;
}
std::string u16_field(std::string_view key, uint16_t value) {
  return counted(key) + raw<uint32_t>(2) + raw(value);
}

// Nothing of the file but `name` can be at fault.
void check_read(const WeightFile& file, std::string_view name, std::string_view refused_type) {
  CAPTURE(name);
  const StoredTensor* tensor = file.find(name);
  REQUIRE(tensor);
  std::vector<float> values(tensor->element_count());
  const auto decoded = decode_f32(*tensor, values);
  CHECK(decoded.has_value() == refused_type.empty());
  if (!decoded) {
    CHECK(decoded.error().code == Errc::unsupported);
    CHECK(decoded.error().message == fmt::format("tensor {} is stored as {}, which is not read as "
                                                 "weights",
                                                 name, refused_type));
  }
  if (const StoredTensor* good = file.find("good")) {
    float one = 0.0f;
    REQUIRE(decode_f32(*good, std::span(&one, 1)));
    CHECK(one == 1.0f);
  }
}

}  // namespace

TEST_CASE("a GGUF opens whatever its types are") {
  struct Row {
    uint32_t number;
    std::string_view refused_type;  // "" : read
    size_t bytes = 0;               // of 256 elements
  };
  constexpr Row rows[] = {
      {0, "", 1024},     {1, "", 512},    {2, "", 144},    {3, "", 160},     {6, "", 176},
      {7, "", 192},      {8, "", 272},    {9, "Q8_1"},     {10, "", 84},     {11, "", 110},
      {12, "", 144},     {13, "", 176},   {14, "", 210},   {15, "Q8_K"},     {16, "IQ2_XXS"},
      {17, "IQ2_XS"},    {18, "IQ3_XXS"}, {19, "IQ1_S"},   {20, "", 144},    {21, "IQ3_S"},
      {22, "IQ2_S"},     {23, "", 136},   {24, "I8", 256}, {25, "I16", 512}, {26, "I32", 1024},
      {27, "I64", 2048}, {28, "", 2048},  {29, "IQ1_M"},   {30, "", 512},    {34, "TQ1_0"},
      {35, "TQ2_0"},     {39, "", 136},   {40, "NVFP4"},   {77, "type 77"}};
  const TemporaryFolder folder;
  for (const Row& row : rows) {
    const fs::path path =
        folder.write("x.gguf", gguf({}, {{"odd", {256}, row.number, std::string(row.bytes, '\0')},
                                         {"good", {1}, 0, raw(1.0f)}}));
    const auto file = load_weights(path);
    REQUIRE(file);
    check_read(*file, "odd", row.refused_type);
  }
}

TEST_CASE("safetensors open whatever their types are") {
  struct Row {
    std::string_view dtype, refused_type;
    size_t bytes;  // of 8 elements
  };
  constexpr Row rows[] = {
      {"F64", "", 64},           {"F32", "", 32},           {"F16", "", 16},
      {"BF16", "", 16},          {"I64", "I64", 64},        {"I32", "I32", 32},
      {"I16", "I16", 16},        {"I8", "I8", 8},           {"U64", "U64", 64},
      {"U32", "U32", 32},        {"U16", "U16", 16},        {"U8", "U8", 8},
      {"BOOL", "BOOL", 8},       {"F8_E4M3", "F8_E4M3", 8}, {"F8_E5M2", "F8_E5M2", 8},
      {"F8_E8M0", "F8_E8M0", 8}, {"F6_E2M3", "F6_E2M3", 6}, {"F6_E3M2", "F6_E3M2", 6},
      {"F4", "F4", 4},           {"C64", "C64", 64}};
  const TemporaryFolder folder;
  for (const Row& row : rows) {
    const std::string header =
        fmt::format(R"({{"odd":{{"dtype":"{}","shape":[8],"data_offsets":[0,{}]}},)"
                    R"("good":{{"dtype":"F32","shape":[],"data_offsets":[{},{}]}}}})",
                    row.dtype, row.bytes, row.bytes, row.bytes + 4);
    const auto file = load_weights(
        folder.write("x.safetensors", counted(header) + std::string(row.bytes, '\0') + raw(1.0f)));
    CAPTURE(row.dtype);
    REQUIRE(file);
    check_read(*file, "odd", row.refused_type);
  }
}

namespace {

std::string pickled(std::string_view text) {
  return "X" + raw(static_cast<uint32_t>(text.size())) + std::string(text);
}
std::string global(std::string_view module, std::string_view name) {
  return fmt::format("c{}\n{}\n", module, name);
}
std::string pickle(std::string_view body) { return "\x80\x02" + std::string(body) + "."; }

// {"odd": a tensor of two elements}, as torch.save wrote it before version 1.6. `type`: of the
// third version of the function that makes tensors.
std::string legacy_checkpoint(std::string_view storage_module, std::string_view storage,
                              size_t element_bytes, std::string_view type) {
  const bool is_v3 = !type.empty();
  const size_t count = is_v3 ? 2 * element_bytes : 2;
  std::string object = "}" + pickled("odd") +
                       global("torch._utils", is_v3 ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2") +
                       "((" + pickled("storage") + global(storage_module, storage) + pickled("7") +
                       pickled("cpu") + "K" + static_cast<char>(count) + "NtQK";
  object += '\0';
  object += "K\x02\x85K\x01\x85\x89" + global("collections", "OrderedDict") + ")R";
  if (is_v3) object += global("torch", type);
  object += "tRs";
  return "\x80\x02\x8a\x0a" + std::string(10, '\x11') + "." + pickle("M\xe9\x03") + pickle("}") +
         pickle(object) + pickle("]" + pickled("7") + "a") + raw<uint64_t>(count) +
         std::string(2 * element_bytes, '\0');
}

}  // namespace

TEST_CASE("a PyTorch checkpoint opens whatever its types are") {
  struct Row {
    std::string_view module, storage, type;
    size_t bytes;
    std::string_view refused_type;
  };
  constexpr std::string_view any = "torch.storage";
  constexpr Row rows[] = {{"torch", "FloatStorage", "", 4, ""},
                          {"torch", "DoubleStorage", "", 8, ""},
                          {"torch", "HalfStorage", "", 2, ""},
                          {"torch", "BFloat16Storage", "", 2, ""},
                          {"torch", "LongStorage", "", 8, "torch.int64"},
                          {"torch", "IntStorage", "", 4, "torch.int32"},
                          {"torch", "ShortStorage", "", 2, "torch.int16"},
                          {"torch", "CharStorage", "", 1, "torch.int8"},
                          {"torch", "ByteStorage", "", 1, "torch.uint8"},
                          {"torch", "BoolStorage", "", 1, "torch.bool"},
                          {"torch", "ComplexFloatStorage", "", 8, "torch.complex64"},
                          {"torch", "ComplexDoubleStorage", "", 16, "torch.complex128"},
                          {any, "UntypedStorage", "uint16", 2, "torch.uint16"},
                          {any, "UntypedStorage", "uint32", 4, "torch.uint32"},
                          {any, "UntypedStorage", "uint64", 8, "torch.uint64"},
                          {any, "UntypedStorage", "float8_e4m3fn", 1, "torch.float8_e4m3fn"},
                          {any, "UntypedStorage", "float8_e5m2", 1, "torch.float8_e5m2"},
                          {any, "UntypedStorage", "float8_e4m3fnuz", 1, "torch.float8_e4m3fnuz"},
                          {any, "UntypedStorage", "float8_e5m2fnuz", 1, "torch.float8_e5m2fnuz"},
                          {any, "UntypedStorage", "float8_e8m0fnu", 1, "torch.float8_e8m0fnu"},
                          {any, "UntypedStorage", "float4_e2m1fn_x2", 1, "torch.float4_e2m1fn_x2"}};
  const TemporaryFolder folder;
  for (const Row& row : rows) {
    CAPTURE(row.storage);
    const auto file = load_weights(
        folder.write("x.pth", legacy_checkpoint(row.module, row.storage, row.bytes, row.type)));
    CAPTURE((file ? std::string() : file.error().message));
    REQUIRE(file);
    CHECK(file->find("odd")->shape == std::vector<int64_t>{2});
    check_read(*file, "odd", row.refused_type);
  }
}

TEST_CASE("a pickle's opcode that is not followed is refused by its name") {
  const TemporaryFolder folder;
  struct Row {
    char opcode;
    std::string_view name;
  };
  for (const auto& [opcode, name] : {Row{'\x81', "NEWOBJ"},
                                     {'\x93', "STACK_GLOBAL"},
                                     {'I', "INT"},
                                     {'\x95', "FRAME"},
                                     {'\xff', "0xff, which is none"}}) {
    const std::string header = "\x80\x02\x8a\x0a" + std::string(10, '\x11') + ".";
    const auto file =
        load_weights(folder.write("x.pth", header + "\x80\x02" + std::string(1, opcode)));
    REQUIRE_FALSE(file);
    CHECK(file.error().message.ends_with(fmt::format("refused: the pickle has opcode {}", name)));
  }
}

TEST_CASE("empty tensors are tensors") {
  const TemporaryFolder folder;
  const auto tensors = load_weights(folder.write(
      "x.safetensors", counted(R"({"good":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
                               R"("e":{"dtype":"F32","shape":[2,0],"data_offsets":[0,0]},)"
                               R"("z":{"dtype":"F32","shape":[0],"data_offsets":[4,4]}})") +
                           raw(1.0f)));
  CAPTURE((tensors ? std::string() : tensors.error().message));
  REQUIRE(tensors);
  check_read(*tensors, "e", "");
  check_read(*tensors, "z", "");
  const auto blocks =
      load_weights(folder.write("x.gguf", gguf({}, {{"e", {0}, 0, ""},
                                                    {"b", {32, 0}, 2, ""},
                                                    {"good", {1}, 0, raw(1.0f)},
                                                    {"scalar", {}, 0, raw(2.0f)}})));
  CAPTURE((blocks ? std::string() : blocks.error().message));
  REQUIRE(blocks);
  check_read(*blocks, "e", "");
  check_read(*blocks, "b", "");
  check_read(*blocks, "scalar", "");
}

TEST_CASE("arrays of a GGUF keep their kind, and arrays within arrays are stepped over") {
  const auto array = [](std::string_view key, uint32_t kind, uint64_t count) {
    return counted(key) + raw<uint32_t>(9) + raw(kind) + raw(count);
  };
  const std::string inner = raw<uint32_t>(4) + raw<uint64_t>(1) + raw<uint32_t>(7);
  const TemporaryFolder folder;
  const auto file = load_weights(folder.write(
      "x.gguf",
      gguf({array("nested", 9, 2) + inner + inner, array("reals", 6, 2) + raw(0.5f) + raw(1.5f),
            array("flags", 7, 2) + raw<uint8_t>(1) + raw<uint8_t>(0), array("none", 8, 0)},
           {{"good", {1}, 0, raw(1.0f)}})));
  REQUIRE(file);
  CHECK(file->nested_arrays.contains("nested"));
  CHECK(file->real_arrays.at("reals") == std::vector<double>{0.5, 1.5});
  CHECK(file->integer_arrays.at("flags") == std::vector<int64_t>{1, 0});
  CHECK(file->text_arrays.at("none").empty());
  CHECK(file->keys().size() == 4);
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += raw<uint32_t>(9) + raw<uint64_t>(1);
  const auto refused = load_weights(folder.write("d.gguf", gguf({array("deep", 9, 1) + deep}, {})));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.ends_with("field deep is nested deeper than 16"));
}

TEST_CASE("the parts of a split GGUF are read together, or what is missing is named") {
  const auto part = [](uint16_t number, uint16_t count, std::string_view tensor) {
    return gguf({u16_field("split.no", number), u16_field("split.count", count),
                 u16_field("split.tensors.count", count)},
                {{std::string(tensor), {1}, 0, raw(static_cast<float>(number))}});
  };
  const TemporaryFolder folder;
  const fs::path first = folder.write("m-00001-of-00002.gguf", part(0, 2, "a"));
  const auto refusal_of = [](const fs::path& path) {
    const auto file = load_weights(path);
    return file ? std::string("read") : file.error().message;
  };
  CHECK(refusal_of(first).find("m-00002-of-00002.gguf") != std::string::npos);
  const fs::path second = folder.write("m-00002-of-00002.gguf", part(1, 2, "b"));
  const auto whole = load_weights(first);
  REQUIRE(whole);
  float value = 0.0f;
  REQUIRE(decode_f32(*whole->find("b"), std::span(&value, 1)));
  CHECK(value == 1.0f);
  CHECK(whole->paths == std::vector<fs::path>{first, second});
  CHECK(refusal_of(second).ends_with("is part 2 of 2: give the first, m-00001-of-00002.gguf"));
  CHECK(refusal_of(folder.write("other.gguf", part(0, 2, "a")))
            .find("is part 1 of 2, and without a name like m-00001-of-00002.gguf") !=
        std::string::npos);
  folder.write("m-00002-of-00002.gguf", part(1, 2, "a"));
  CHECK(refusal_of(first).find("appears twice") != std::string::npos);
  folder.write("m-00002-of-00002.gguf", part(0, 2, "b"));
  CHECK(refusal_of(first).ends_with("doesn't say that it is part 2 of 2"));
}

TEST_CASE("a file of many names takes no quadratic time") {
  const TemporaryFolder folder;
  const auto time_of = [&](int count) {
    std::vector<std::string> fields;
    std::string header = "{";
    for (int i = 0; i < count; ++i) {
      fields.push_back(u16_field(fmt::format("a.long.key.of.a.field.{}", i), 1));
      header += fmt::format(R"({}"t{}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})",
                            i == 0 ? "" : ",", i);
    }
    const fs::path first = folder.write("x.gguf", gguf(fields, {}));
    const fs::path second = folder.write("x.safetensors", counted(header + "}"));
    const std::clock_t start = std::clock();  // of this process alone
    REQUIRE(load_weights(first));
    REQUIRE(load_weights(second));
    return std::clock() - start;
  };
  // Sixteen times as many: some 20 times the time, and 256 times if each is searched among all.
  CHECK(time_of(64'000) < 80 * time_of(4'000));
}
