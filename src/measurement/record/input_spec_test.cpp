#include "measurement/record/input_spec.h"

#include <doctest/doctest.h>

using namespace qb;

TEST_CASE("an input is given by shape, type and values, each of which may be left away") {
  const auto whole = parse_input_spec("ids=1x128:i64:0..30521");
  REQUIRE(whole);
  CHECK(whole->name == "ids");
  CHECK(*whole->shape == std::vector<int64_t>{1, 128});
  CHECK(*whole->type == ElementType::i64);
  CHECK(whole->range->high == 30521.0);
  const auto constant = parse_input_spec("rate=::16000");
  REQUIRE(constant);
  CHECK_FALSE(constant->shape);
  CHECK_FALSE(constant->type);
  CHECK(constant->range->low == constant->range->high);
  CHECK(parse_input_spec("s=scalar:f32")->shape->empty());
  CHECK(parse_input_spec("x=a=b/x.npy")->file == "a=b/x.npy");
  CHECK(parse_input_spec("use_cache=::true")->range->low == 1.0);
  CHECK(*parse_input_spec("past=1x2x0x4")->shape == std::vector<int64_t>{1, 2, 0, 4});
}

TEST_CASE("a name may have the sign that ends it") {
  struct Row {
    const char* text;
    const char* name;
    const char* file;
  };
  const Row rows[] = {{"a=b=1x4", "a=b", ""},
                      {"\"a=b\"=1x4", "a=b", ""},
                      {"\"a=b\"=c=d.npy", "a=b", "c=d.npy"},
                      {"\"a\"=1x4", "a", ""},
                      {"input:0=1x4", "input:0", ""}};
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto spec = parse_input_spec(row.text);
    REQUIRE(spec);
    CHECK(spec->name == row.name);
    CHECK(spec->file == row.file);
    CHECK(parse_input_spec(quoted_name(spec->name) + "=1x4")->name == row.name);
  }
}

TEST_CASE("a bad --input is an error that quotes it and says what is wrong") {
  struct Row {
    const char* text;
    const char* message;
  };
  const Row rows[] = {{"x", "NAME=SHAPE:TYPE"},
                      {"=1x2", "NAME=SHAPE:TYPE"},
                      {"x=", "NAME=SHAPE:TYPE"},
                      {"x=1x", "\"\" is no extent"},
                      {"x=1x-3", "\"-3\" is no extent"},
                      {"x=9999999999x9999999999", "larger than"},
                      {"x=1x2:f33", "unknown type \"f33\""},
                      {"x=1x2:f32:a", "\"a\" is no value"},
                      {"x=1x2:f32:2..1", "no range"},
                      {"x=1x2:f32:0..inf", "no range"},
                      {"x=1x2:f32:1:2", "\"2\" is left over"}};
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto spec = parse_input_spec(row.text);
    REQUIRE_FALSE(spec);
    CHECK(spec.error().message.find(fmt::format("--input {}", row.text)) == 0);
    CHECK(spec.error().message.find(row.message) != std::string::npos);
  }
}
