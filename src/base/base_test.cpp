#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include "base/file.h"
#include "base/float16.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/paths.h"
#include "base/rng.h"
#include "base/units.h"

using namespace qb;

TEST_CASE("JSON survives a round trip with its keys in order") {
  const std::string text = R"({"b":[1,2.5,null,true],"a":{"x":"é\n"}})";
  const auto value = parse_json(text);
  REQUIRE(value);
  CHECK(dump_json(*value) == text);
  CHECK((*value)["b"].as_array()[0].as_int() == 1);
  CHECK((*value)["absent"].is_null());
}

TEST_CASE("hostile JSON is refused with a reason") {
  struct Row {
    std::string text, reason;
  };
  const Row rows[] = {
      {R"({"a":1,"a":2})", "twice"}, {R"({"a":1} x)", "invalid JSON"},
      {"{", "invalid JSON"},         {std::string(100000, '['), "nested deeper"},
      {"\"\xff\"", "invalid JSON"},
  };
  for (const Row& row : rows) {
    const auto value = parse_json(row.text);
    REQUIRE_FALSE(value);
    CHECK(value.error().message.find(row.reason) != std::string::npos);
  }
}

TEST_CASE("every finite fp16 bit pattern survives a trip through float") {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    if ((bits & 0x7c00u) == 0x7c00u && (bits & 0x3ffu)) continue;  // NaN payloads may differ
    CHECK_EQ(float_to_fp16(fp16_to_float(static_cast<uint16_t>(bits))), bits);
  }
}

TEST_CASE("conversion to fp16 and bf16 rounds to nearest even") {
  CHECK(float_to_fp16(1.0f + 0x1p-11f) == 0x3c00);      // tie to even: down
  CHECK(float_to_fp16(1.0f + 3 * 0x1p-11f) == 0x3c02);  // tie to even: up
  CHECK(float_to_fp16(65520.0f) == 0x7c00);             // first value that overflows
  CHECK(float_to_fp16(65519.0f) == 0x7bff);
  CHECK(float_to_fp16(0x1p-25f) == 0);  // half the smallest subnormal
  CHECK(float_to_bf16(1.0f + 0x1p-8f) == 0x3f80);
  CHECK(float_to_bf16(1.0f + 3 * 0x1p-8f) == 0x3f82);
  CHECK(std::isnan(bf16_to_float(float_to_bf16(std::numeric_limits<float>::quiet_NaN()))));
}

TEST_CASE("quantities carry three digits and a unit") {
  CHECK(format_quantity(86400000, "B") == "86.4 MB");
  CHECK(format_quantity(7312345, "ns") == "7.31 ms");
  CHECK(format_quantity(999.9, "ns") == "1.00 us");
  CHECK(format_quantity(0, "B") == "0 B");
  CHECK(format_quantity(0.9876, "1") == "0.988");
  CHECK(format_quantity(132.4, "tokens/s") == "132 tokens/s");
  CHECK(format_quantity(-123456789, "1") == "-123456789");
  CHECK(format_quantity(3.4e38, "1") == "3.4e+38");
  CHECK(format_quantity(-1e30, "B") == "-1e+18 TB");
  CHECK(format_quantity(1e12, "%") == "1e+12 %");
}

TEST_CASE("an atomic write replaces the file whole and says when it cannot") {
  const auto folder = std::filesystem::temp_directory_path() / "qb_base_test";
  std::filesystem::create_directories(folder);
  REQUIRE(write_file_atomically(folder / "x", "one"));
  REQUIRE(write_file_atomically(folder / "x", "two"));
  CHECK(read_file(folder / "x").value() == "two");
  const auto refused = write_file_atomically(folder / "no" / "x", "one");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("no/x") != std::string::npos);
  CHECK(read_file(folder / "absent").error().code == Errc::not_found);
  std::filesystem::remove_all(folder);
}

TEST_CASE("hashes and seeds are fixed across platforms") {
  CHECK(hash_of("") == "99aa06d3014798d86001c324468d497f");  // XXH3-128 of nothing, as published
  CHECK(derive_seed(1, "a") != derive_seed(1, "b"));
  CHECK(Rng(0).next() == 0xe220a8397b1dcdafu);  // SplitMix64's published first output
}
