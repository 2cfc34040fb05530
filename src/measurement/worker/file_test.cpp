// Model files: their inputs, .npy files, the comparison of outputs.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>

#include "measurement/wire/reason.h"
#include "measurement/worker/elements.h"
#include "measurement/worker/file_inputs.h"
#include "measurement/worker/file_outputs.h"
#include "measurement/worker/npy.h"

using namespace qb;
using namespace qb::worker;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / fmt::format("qb_files_{}", ::getpid());
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  fs::path file(const std::string& text) const {
    const fs::path at = path / "x.npy";
    std::ofstream(at, std::ios::binary) << text;
    return at;
  }
};

std::string npy(std::string_view header, std::string_view data) {
  const auto length = static_cast<uint16_t>(header.size());
  std::string text = "\x93NUMPY\x01";
  text += '\0';
  text += static_cast<char>(length & 0xff);
  text += static_cast<char>(length >> 8);
  return text + std::string(header) + std::string(data);
}

std::vector<FileInput> two_inputs() {
  return {{"x", ElementType::f32, {-1, 3}, {"N", ""}},
          {"mask", ElementType::i64, {-1, -1}, {"N", "L"}}};
}

std::string error_of(const std::vector<InputSpec>& given) {
  const auto resolved = resolve_inputs(two_inputs(), given);
  return resolved ? "no error" : resolved.error().message;
}

InputSpec spec(std::string_view text) { return parse_input_spec(text).value(); }

FileOutputs outputs_of(std::vector<float> values) {
  FileOutputs outputs = {.signature = "1 f32"};
  const int64_t shape[] = {static_cast<int64_t>(values.size())};
  const TensorView views[] = {{ElementType::f32, shape, values.data()}};
  outputs.add(views);
  return outputs;
}

}  // namespace

TEST_CASE("open dimensions follow what the user gives of the same name, and are 1 otherwise") {
  const std::vector<InputSpec> given = {spec("x=8x3")};
  const auto resolved = resolve_inputs(two_inputs(), given);
  REQUIRE(resolved);
  CHECK((*resolved)[0].shape == std::vector<int64_t>{8, 3});
  CHECK((*resolved)[0].assumed.empty());
  CHECK((*resolved)[1].shape == std::vector<int64_t>{8, 1});
  CHECK((*resolved)[1].assumed == std::vector<std::string>{"L = 1"});
}

TEST_CASE("an input that doesn't fit the file is an error that names it") {
  CHECK(error_of({spec("y=1x3")}) == "has no input \"y\"; its inputs: x Nx3 f32, mask NxL i64");
  CHECK(error_of({spec("x=1x4")}) == "input x: shape 1x4 does not fit the file's Nx3");
  CHECK(error_of({spec("x=3")}) == "input x: shape 3 does not fit the file's Nx3");
  CHECK(error_of({spec("x=1x3:f16")}) == "input x: is f32 in the file, not f16");
  CHECK(error_of({spec("x=1x3"), spec("x=1x3")}) == "input x: given twice");
  CHECK(error_of({spec("mask=1x3:i64:0.5")}) == "input mask: values 0.5..0.5 are none of type i64");
}

TEST_CASE("a choice that nobody makes is the same for every seed, and said") {
  const std::vector<FileInput> declared = {{"x", ElementType::f32, {4}, {}},
                                           {"use_cache", ElementType::boolean, {1}, {}},
                                           {"rate", ElementType::i64, {}, {}},
                                           {"ids", ElementType::i64, {-1, -1}, {"N", "L"}},
                                           {"mask", ElementType::boolean, {8}, {}}};
  const auto values_of = [&](uint64_t seed, size_t input) {
    const auto made = FileInputs::make(resolve_inputs(declared, {}).value(), seed).value();
    std::vector<double> values;
    for (int64_t i = 0; i < 4; ++i)
      for (const double value : to_doubles(made.variant(i).tensors[input])) values.push_back(value);
    return values;
  };
  for (const uint64_t seed : {1u, 2u, 3u, 4u, 5u}) {
    CHECK(values_of(seed, 1) == std::vector<double>(4, 0.0));
    CHECK(values_of(seed, 2) == std::vector<double>(4, 1.0));
  }
  CHECK(values_of(1, 4) != values_of(2, 4));
  const Json described = FileInputs::make(resolve_inputs(declared, {}).value(), 1)->describe();
  CHECK(described.as_array()[1]["values"].as_string() ==
        "false, since none is given (--input use_cache=::VALUE)");
  CHECK(described.as_array()[3]["values"].as_string() == "drawn from 0..1");
  const std::vector<InputSpec> given = {spec("use_cache=::true")};
  CHECK(FileInputs::make(resolve_inputs(declared, given).value(), 1)
            ->describe()
            .as_array()[1]["values"]
            .as_string() == "true");
}

TEST_CASE("an input of any shape takes the one that is given, and asks for it") {
  const std::vector<FileInput> declared = {
      {.name = "x", .type = ElementType::f32, .is_rank_known = false}};
  CHECK(resolve_inputs(declared, {}).error().message ==
        "input x: the file leaves its shape open: give --input x=SHAPE");
  for (const char* text : {"x=1x4", "x=scalar", "x=2x3x4"})
    CHECK(resolve_inputs(declared, std::vector<InputSpec>{spec(text)}));
}

TEST_CASE("an input without elements is legal: a decoder begins with empty caches") {
  const std::vector<FileInput> declared = {
      {"past", ElementType::f32, {-1, 2, -1, 4}, {"N", "", "P", ""}}};
  const auto made = FileInputs::make(
      resolve_inputs(declared, std::vector<InputSpec>{spec("past=1x2x0x4")}).value(), 1);
  REQUIRE(made);
  CHECK(made->variant(0).tensors[0].size_bytes() == 0);
  CHECK_FALSE(made->is_varied());
}

TEST_CASE("a run that failed is told what was assumed of its inputs") {
  const std::vector<FileInput> declared = {{"ids", ElementType::i64, {-1, -1}, {"N", "L"}},
                                           {"x", ElementType::f32, {-1}, {"N"}}};
  const auto made = FileInputs::make(resolve_inputs(declared, {}).value(), 1).value();
  const auto never = [](const StepInputs&) { return false; };
  const std::string about_ids = made.hint_for("indices element out of data bounds, idx=1", never);
  CHECK(about_ids ==
        "; input ids: its values are drawn from 0..1: give others, as in --input ids=1x1:i64:0");
  CHECK(made.hint_for("mat1 and mat2 can't be multiplied", never).find("--input x=SHAPE") !=
        std::string::npos);
}

TEST_CASE("of two inputs with ids the one is named that a table doesn't have") {
  const std::vector<FileInput> declared = {{"ids", ElementType::i64, {8}, {}},
                                           {"kinds", ElementType::i64, {8}, {}}};
  const auto made = FileInputs::make(resolve_inputs(declared, {}).value(), 1).value();
  const auto runs = [](const StepInputs& inputs) {  // the table of kinds has one row
    return std::ranges::all_of(inputs.tensors[1].i64(), [](int64_t id) { return id == 0; });
  };
  CHECK(made.hint_for("index out of range", runs) ==
        "; input kinds: its values are drawn from 0..1: give others, as in --input kinds=8:i64:0");
}

TEST_CASE("a file that doesn't tell its inputs needs them whole") {
  const auto message = [](const std::vector<InputSpec>& given) {
    return resolve_inputs(std::nullopt, given).error().message;
  };
  CHECK(message({}).find("--input NAME=SHAPE:TYPE") != std::string::npos);
  CHECK(message({spec("x=1x3")}).find("input x: a file of this kind") == 0);
  const std::vector<InputSpec> whole = {spec("x=1x3:f32")};
  CHECK(resolve_inputs(std::nullopt, whole));
}

TEST_CASE("a hostile file's shape is refused before memory is asked for") {
  const std::vector<FileInput> huge = {
      {"x", ElementType::f32, {int64_t{1} << 40, int64_t{1} << 40}, {}}};
  CHECK_FALSE(resolve_inputs(huge, {}));
}

TEST_CASE("values are in their range, the same for a seed, and differ from variant to variant") {
  const std::vector<InputSpec> given = {spec("x=64:i32:-3..3"), spec("y=64:f16:2..2.5"),
                                        spec("z=4:u8:7")};
  const auto make = [&](uint64_t seed) {
    return FileInputs::make(resolve_inputs(std::nullopt, given).value(), seed).value();
  };
  const FileInputs inputs = make(1);
  const auto values_of = [](const FileInputs& from, int64_t variant, size_t input) {
    return to_doubles(from.variant(variant).tensors[input]);
  };
  bool has_lowest = false;
  bool has_highest = false;
  for (int64_t variant = 0; variant < 4; ++variant) {
    for (const double value : values_of(inputs, variant, 0)) {
      CHECK((value >= -3.0 && value <= 3.0 && value == std::floor(value)));
      has_lowest |= value == -3.0;
      has_highest |= value == 3.0;
    }
    for (const double value : values_of(inputs, variant, 1)) CHECK((value >= 2.0 && value <= 2.5));
    CHECK(values_of(inputs, variant, 2) == std::vector<double>(4, 7.0));
  }
  CHECK(has_lowest);
  CHECK(has_highest);
  CHECK(inputs.is_varied());
  CHECK(values_of(inputs, 0, 0) != values_of(inputs, 1, 0));
  CHECK(values_of(inputs, 0, 0) == values_of(inputs, 4, 0));
  CHECK(values_of(inputs, 0, 0) == values_of(make(1), 0, 0));
  CHECK(values_of(inputs, 0, 0) != values_of(make(2), 0, 0));
}

TEST_CASE("an element of every type survives storing and reading") {
  for (const char* name : {"f32", "f64", "f16", "bf16", "i64", "i32", "i16", "i8", "u8", "bool"}) {
    CAPTURE(name);
    const ElementType type = find_element_type(name).value();
    CHECK(name_of(type) == name);
    std::vector<std::byte> bytes(2 * bytes_of(type));
    store_element(type, bytes.data(), 1, 1.0);
    const int64_t shape[] = {2};
    CHECK(to_doubles({type, shape, bytes.data()}) == std::vector<double>{0.0, 1.0});
  }
  CHECK_FALSE(find_element_type("f33"));
}

TEST_CASE("an .npy is read as NumPy writes it") {
  const Folder folder;
  const auto array =
      open_npy(folder.file(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }   \n",
                               std::string_view("\x00\x00\x80\x3f\x00\x00\x00\x40", 8))));
  REQUIRE(array);
  CHECK(array->type == ElementType::f32);
  CHECK(array->shape == std::vector<int64_t>{2, 1});
  CHECK(to_doubles({array->type, array->shape, array->bytes.data()}) ==
        std::vector<double>{1.0, 2.0});
  const auto scalar = open_npy(
      folder.file(npy("{'descr': '|b1', 'fortran_order': False, 'shape': (), }\n", "\x01")));
  REQUIRE(scalar);
  CHECK(scalar->shape.empty());
}

TEST_CASE("an .npy that lies is an error that names the file") {
  const Folder folder;
  const std::string four(4, '\0');
  const std::string rows[] = {
      "",
      "\x93NUMPY",
      "PK\x03\x04 something else altogether",
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", four),
      npy("{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }", four),
      npy("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", four),
      npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", four),
      npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", four),
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", four),
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1", four),
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387905,), }", four),
      npy("{'descr': '<f4", four),
      npy("{'descr': '<f4', 'shape': (1,), }", four)};
  for (const std::string& row : rows) {
    CAPTURE(row);
    const auto array = open_npy(folder.file(row));
    REQUIRE_FALSE(array);
    CHECK(array.error().message.find("x.npy") != std::string::npos);
  }
}

TEST_CASE("outputs survive their file, and their distance is what it is by hand") {
  const Folder folder;
  const FileOutputs base = outputs_of({1, 2, 3, 4});
  REQUIRE(save_outputs(folder.path / "base", base));
  const auto again = load_outputs(folder.path / "base");
  REQUIRE(again);
  CHECK(again->values == base.values);
  const auto same = compare_outputs(*again, base);
  REQUIRE(same);
  CHECK(same->max_abs_difference == 0.0);
  CHECK(same->cosine == doctest::Approx(1.0));
  const auto other = compare_outputs(*again, outputs_of({1.5, 2.5, 3.5, 4.5}));
  REQUIRE(other);
  CHECK(other->max_abs_difference == 0.5);
  CHECK(other->relative_rms == doctest::Approx(1.0 / std::sqrt(30.0)));
  CHECK(other->cosine == doctest::Approx(35.0 / std::sqrt(30.0 * 41.0)));
}

TEST_CASE("outputs that can't be compared say why") {
  const FileOutputs base = outputs_of({1, 2});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  FileOutputs stranger = base;
  stranger.signature = "2 f32";
  struct Row {
    FileOutputs outputs;
    const char* message;
  };
  const Row rows[] = {{stranger, "takes other inputs than the first file: 2 f32 instead of 1 f32"},
                      {outputs_of({1, 2, 3}), "output 0: one has 2 values, the other 3"},
                      {outputs_of({1, nan}), "output 0: one has 2 where the other has nan"},
                      {outputs_of({0, 0}), "output 0: one is nothing but zeros"},
                      {{.signature = "1 f32"}, "gives 0 outputs, the first file 1"}};
  for (const Row& row : rows) {
    const auto distance = compare_outputs(base, row.outputs);
    REQUIRE_FALSE(distance);
    CHECK(distance.error().message == row.message);
  }
  CHECK(compare_outputs(outputs_of({1, nan}), outputs_of({1, nan}))->max_abs_difference == 0.0);
}

namespace {

// Two outputs of one run, named.
FileOutputs named(std::vector<std::string> names, std::vector<double> first,
                  std::vector<double> second) {
  return {.signature = "1 f64",
          .values = {std::move(first), std::move(second)},
          .output_count = 2,
          .names = std::move(names)};
}

}  // namespace

TEST_CASE("outputs are compared by name where names match, and in their order where not") {
  const Folder folder;
  const FileOutputs base = named({"neg", "abs"}, {-1, -2}, {1, 2});
  REQUIRE(save_outputs(folder.path / "base", base));
  const FileOutputs again = load_outputs(folder.path / "base").value();
  CHECK(compare_outputs(again, named({"abs", "neg"}, {1, 2}, {-1, -2}))->max_abs_difference == 0.0);
  CHECK(compare_outputs(again, named({"x", "neg"}, {1, 2}, {-1, -2}))->max_abs_difference == 0.0);
  CHECK(compare_outputs(again, named({}, {-1, -2}, {1, 2}))->max_abs_difference == 0.0);
  CHECK(compare_outputs(again, named({"abs", "neg"}, {-1, -2}, {1, 2}))->max_abs_difference == 4.0);
  CHECK(compare_outputs(again, named({"abs", "neg"}, {1, 2}, {-1})).error().message ==
        "output neg: one has 2 values, the other 1");
}

TEST_CASE("distances of the largest and the smallest doubles are what they are by hand") {
  for (const double scale : {1e-300, 1e-200, 1.0, 1e200, 1e300}) {
    CAPTURE(scale);
    const FileOutputs base = {.signature = "", .values = {{scale, scale}}, .output_count = 1};
    const FileOutputs other = {
        .signature = "", .values = {{1.5 * scale, 0.5 * scale}}, .output_count = 1};
    const auto distance = compare_outputs(base, other);
    REQUIRE(distance);
    CHECK(distance->relative_rms == doctest::Approx(0.5));
    CHECK(distance->cosine == doctest::Approx(2.0 / std::sqrt(2.0 * 2.5)));
    CHECK(distance->max_abs_difference / scale == doctest::Approx(0.5));
  }
  const FileOutputs huge = {.signature = "", .values = {{1.7e308}}, .output_count = 1};
  const FileOutputs opposite = {.signature = "", .values = {{-1.7e308}}, .output_count = 1};
  CHECK(compare_outputs(huge, opposite).error().message ==
        "output 0: the difference is larger than any double");
}

TEST_CASE("of a framework's words one line is shown") {
  CHECK(wire::framework_reason("\nUnknown builtin op: a::b.\nCould not find any") ==
        "Unknown builtin op: a::b.");
  CHECK(wire::framework_reason("Traceback of TorchScript\n  x\nRuntimeError: mat1 is wrong\n") ==
        "mat1 is wrong");
  const std::string sentence = "A sentence that says in some forty letters what is wrong.";
  CHECK(wire::framework_reason(sentence + " " + std::string(400, 'y')) == sentence);
  CHECK(wire::framework_reason(std::string(5000, 'z')).size() < 700);
  CHECK(wire::first_line("m.pt: \x1b[31mred\nframe #0: 0x1234\n") == "m.pt: \\x1b[31mred");
}
