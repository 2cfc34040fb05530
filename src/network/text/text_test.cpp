#include <doctest/doctest.h>

#include <string>

#include "network/text/byte_alphabet.h"
#include "network/text/splitter.h"
#include "network/text/tokenizer.h"
#include "network/text/utf8.h"

using namespace qb;
using namespace qb::text;

namespace {

// All bytes, then "he", "ll", "hell", "Ġw" (a space and w), and a special token.
Definition small_definition() {
  Definition definition = {.merges = {{"l", "l"}, {"h", "e"}, {"he", "ll"}, {"\u0120", "w"}},
                           .added_tokens = {{.id = 260, .text = "<|end|>"}},
                           .model = Json::object({{"type", "BPE"}}),
                           .decoder = Json::object({{"type", "ByteLevel"}})};
  for (int byte = 0; byte < 256; ++byte)
    definition.tokens.push_back(to_alphabet(std::string(1, static_cast<char>(byte))));
  for (const char* token : {"he", "ll", "hell", "\u0120w"}) definition.tokens.emplace_back(token);
  REQUIRE(use_gguf_pre("smollm", definition));
  return definition;
}

using Ids = std::vector<int32_t>;

}  // namespace

TEST_CASE("pairs are merged best first, within pieces only") {
  const Tokenizer tokenizer = build_tokenizer(small_definition()).value();
  CHECK(tokenizer.encode("hello").value() == Ids{258, 'o'});
  CHECK(tokenizer.encode("o w").value() == Ids{'o', 259});
  CHECK(tokenizer.encode("lll").value() == Ids{257, 'l'});
  CHECK(tokenizer.encode("1l2").value() == Ids{'1', 'l', '2'});
  CHECK(tokenizer.encode("").value().empty());
}

TEST_CASE("of equal merges the last one counts") {
  Definition definition = small_definition();
  definition.tokens.emplace_back("el");
  definition.added_tokens[0].id = 261;
  definition.merges.emplace_back("e", "l");
  CHECK(build_tokenizer(definition).value().encode("ell").value() == Ids{'e', 257});
  definition.merges.emplace_back("l", "l");
  CHECK(build_tokenizer(definition).value().encode("ell").value() == Ids{260, 'l'});
}

TEST_CASE("special tokens are found whole, before anything else") {
  const Tokenizer tokenizer = build_tokenizer(small_definition()).value();
  CHECK(tokenizer.encode("he<|end|>he<|end").value() ==
        Ids{256, 260, 256, '<', '|', 'e', 'n', 'd'});
}

TEST_CASE("tokens of the normalized text are found in what the others leave") {
  Definition definition = small_definition();
  definition.added_tokens.push_back({.id = 261, .text = "xhe<|", .is_normalized = true});
  const Tokenizer tokenizer = build_tokenizer(definition).value();
  CHECK(tokenizer.encode("xhe<|end|>xhe<|").value() == Ids{'x', 256, 260, 261});
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
  struct Row {
    void (*change)(Definition&);
    std::string_view message;
  };
  const Row rows[] = {
      {[](Definition& d) { d.merges.emplace_back("h", "o"); },
       "merge 4 \"h o\" is not of the vocabulary"},
      {[](Definition& d) { d.added_tokens[0].text.clear(); }, "added token 260 is empty"},
      {[](Definition& d) { d.added_tokens[0].id = -1; }, "token \"<|end|>\" has id -1"},
      {[](Definition& d) { d.added_tokens[0].id = 2'000'001; }, "has id 2000001"},
      {[](Definition& d) { d.added_tokens[0].id = 256; },
       "tokens \"he\" and \"<|end|>\" both have id 256"},
      {[](Definition& d) { d.pre_tokenizer = split_json("("); }, "pattern ("},
      {[](Definition& d) { d.model.set("unk_token", "nowhere"); },
       "unk_token \"nowhere\" is not of the vocabulary"},
      {[](Definition& d) { d.model.set("type", "Markov"); }, "model \"Markov\" is not one of BPE"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.message);
    Definition definition = small_definition();
    row.change(definition);
    const auto tokenizer = build_tokenizer(definition);
    REQUIRE_FALSE(tokenizer);
    CHECK(tokenizer.error().message.find(row.message) != std::string::npos);
  }
  Definition definition;
  CHECK(use_gguf_pre("bert", definition).error().message.find("known: default gpt-2") !=
        std::string::npos);
}

TEST_CASE("a splitter gives matches and gaps, which together are the text") {
  const Splitter splitter = Splitter::compile(R"(\p{N}|[^\s]b)").value();
  const auto parts = splitter.parts("a1 ab2").value();
  using Pieces = std::vector<std::string_view>;
  CHECK(pieces_of(parts, Behaviour::isolated) == Pieces{"a", "1", " ", "ab", "2"});
  CHECK(pieces_of(parts, Behaviour::removed) == Pieces{"a", " "});
  CHECK(pieces_of(parts, Behaviour::contiguous) == Pieces{"a", "1", " ", "ab2"});
  CHECK(pieces_of(parts, Behaviour::merged_with_previous) == Pieces{"a1", " ab", "2"});
  CHECK(pieces_of(parts, Behaviour::merged_with_next) == Pieces{"a", "1 ", "ab", "2"});
}

TEST_CASE("bytes that are no UTF-8 become one sign for each that a reader gives up at") {
  CHECK(to_valid_utf8("a\xff\xe2\x82z") == "a\ufffd\ufffdz");
  CHECK(to_valid_utf8("\xed\xa0\x80") == "\ufffd\ufffd\ufffd");
  CHECK(to_valid_utf8("\xf0\x9f\x98") == "\ufffd");
}
