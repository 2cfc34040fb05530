#include <doctest/doctest.h>

#include <string>

#include "text/splitter.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

using namespace qb;
using namespace qb::text;

namespace {

// All bytes, then "he", "ll", "hell", "Ġw" (a space and w), and a special token.
BpeDefinition small_definition() {
  BpeDefinition definition;
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool printable =
        (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    std::string token;
    append_utf8(token, printable ? byte : next++);
    definition.tokens.push_back(token);
  }
  for (const char* token : {"he", "ll", "hell", "\u0120w", "<|end|>"})
    definition.tokens.emplace_back(token);
  definition.merges = {"l l", "h e", "he ll", "\u0120 w"};
  definition.split_patterns = split_patterns_of("smollm").value();
  definition.special_tokens = {260};
  return definition;
}

}  // namespace

TEST_CASE("pairs are merged best first, within pieces only") {
  const Tokenizer tokenizer = build_tokenizer(small_definition()).value();
  CHECK(tokenizer.encode("hello").value() == std::vector<int32_t>{258, 'o'});
  CHECK(tokenizer.encode("o w").value() == std::vector<int32_t>{'o', 259});
  CHECK(tokenizer.encode("lll").value() == std::vector<int32_t>{257, 'l'});
  CHECK(tokenizer.encode("1l2").value() == std::vector<int32_t>{'1', 'l', '2'});
  CHECK(tokenizer.encode("").value().empty());
}

TEST_CASE("special tokens are found whole, before anything else") {
  const Tokenizer tokenizer = build_tokenizer(small_definition()).value();
  CHECK(tokenizer.encode("he<|end|>he<|end").value() ==
        std::vector<int32_t>{256, 260, 256, '<', '|', 'e', 'n', 'd'});
}

TEST_CASE("decoding an encoding gives the text back") {
  const Tokenizer tokenizer = build_tokenizer(small_definition()).value();
  for (const char* text : {"hello  world\n", "naïve 日本語 👩‍👩‍👧 \u180e x",
                           "\t\r\n \u00a0\u3000", "a\u0301"})
    CHECK(tokenizer.decode(tokenizer.encode(text).value()) == text);
}

TEST_CASE("text that is no UTF-8 is refused with its offset") {
  const Tokenizer tokenizer = build_tokenizer(small_definition()).value();
  for (const std::string text :
       {"ab\xff", "ab\xc0\x80", "ab\xed\xa0\x80", "ab\xf5\x80\x80\x80", "ab\xe2\x82"}) {
    const auto ids = tokenizer.encode(text);
    REQUIRE_FALSE(ids);
    CHECK(ids.error().message == "the text is no UTF-8 at byte 2");
  }
}

TEST_CASE("a piece of a million characters takes no quadratic time") {
  const Tokenizer tokenizer = build_tokenizer(small_definition()).value();
  const std::string text(1'000'000, 'l');
  CHECK(tokenizer.encode(text).value().size() == 500'000);
}

TEST_CASE("definitions that contradict themselves are refused") {
  BpeDefinition unknown = small_definition();
  unknown.merges.emplace_back("h o");
  CHECK(build_tokenizer(unknown).error().message.find("not of the vocabulary") !=
        std::string::npos);
  BpeDefinition single = small_definition();
  single.merges.emplace_back("hell");
  CHECK(build_tokenizer(single).error().message.find("is no pair") != std::string::npos);
  BpeDefinition special = small_definition();
  special.special_tokens = {999};
  CHECK_FALSE(build_tokenizer(special));
  BpeDefinition pattern = small_definition();
  pattern.split_patterns = {"("};
  CHECK(build_tokenizer(pattern).error().message.find("pattern (") != std::string::npos);
  CHECK_FALSE(split_patterns_of("bert"));
}

TEST_CASE("a splitter gives matches and gaps, which together are the text") {
  const Splitter splitter = Splitter::compile(R"(\p{N}|[^\s]b)").value();
  std::vector<std::string_view> pieces;
  REQUIRE(splitter.split("a1 ab2", pieces));
  CHECK(pieces == std::vector<std::string_view>{"a", "1", " ", "ab", "2"});
}
