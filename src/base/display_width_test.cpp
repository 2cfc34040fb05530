#include "base/display_width.h"

#include <doctest/doctest.h>

using namespace qb;

TEST_CASE("a text is as wide as a terminal shows it") {
  struct Case {
    const char* text;
    size_t width;
  };
  const Case cases[] = {{"", 0},
                        {"fp32", 4},
                        {"±1.2 %", 6},
                        {"–", 1},
                        {"模型.onnx", 9},           // wide characters
                        {"cafe\xcc\x81", 4},        // e and a combining acute
                        {"\xf0\x9f\x98\x80", 2},    // an emoji
                        {"\x1b[1mbold\x1b[0m", 4},  // escape sequences
                        {"a\tb", 2},
                        {"\xff\xfe", 2}};  // no UTF-8
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(display_width(c.text) == c.width);
  }
}

TEST_CASE("texts are cut between characters") {
  CHECK(clipped("模型", 3) == "模");
  CHECK(clipped("abc", 5) == "abc");
  CHECK(shortened("abc", 3) == "abc");
  CHECK(shortened("abcdefgh", 5) == "ab…gh");
  CHECK(shortened("模型模型模型", 6) == "模…型");
  CHECK(shortened("abc", 0).empty());
}

TEST_CASE("lines break at spaces and go on indented") {
  CHECK(wrapped("one two three", 20, 2) == "one two three");
  CHECK(wrapped("one two three", 8, 2) == "one two\n  three");
  CHECK(wrapped("  one two", 6, 4) == "  one\n    two");
  CHECK(wrapped("it is ±86 % off", 9, 1) == "it is\n ±86 %\n off");
  CHECK(wrapped("toolongaword is", 6, 1) == "toolongaword\n is");
}
