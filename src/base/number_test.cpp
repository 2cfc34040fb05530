#include "base/number.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdio>
#include <limits>

namespace qb {

TEST_CASE("A number is all of the text") {
  CHECK_EQ(parse_number<int>("42"), 42);
  CHECK_EQ(parse_number<int64_t>("-7"), -7);
  CHECK_EQ(parse_number<double>("0.1"), 0.1);
  CHECK_EQ(parse_number<double>("1e-3"), 1e-3);
  for (const char* text : {"", " 1", "1 ", "+1", "1x", "x", "--1", "-"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_number<int>(text));
    CHECK_FALSE(parse_number<double>(text));
  }
  CHECK_FALSE(parse_number<size_t>("-1"));
  CHECK_FALSE(parse_number<int>("1.5"));
  CHECK_FALSE(parse_number<int>("99999999999"));
}

TEST_CASE("A percentage is a number and its sign") {
  CHECK_EQ(parse_percent("3 %"), 0.03);
  CHECK_EQ(parse_percent("2.5%"), 0.025);
  for (const char* text : {"", "3", "%", "3  %", "3 %%", "three %"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_percent(text));
  }
}

TEST_CASE("Doubles are read to the last bit") {
  for (const double value : {1.0 / 3.0, 5e-324, std::numeric_limits<double>::max(), -0.3}) {
    char text[64];
    std::snprintf(text, sizeof text, "%.17g", value);
    CHECK_EQ(parse_number<double>(text), value);
  }
}

TEST_CASE("What follows a number is left") {
  std::string_view text = "4.5bpw";
  CHECK_EQ(take_number<double>(text), 4.5);
  CHECK_EQ(text, "bpw");
  CHECK_FALSE(take_number<double>(text));
  CHECK_EQ(text, "bpw");
}

}  // namespace qb
