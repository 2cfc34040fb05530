#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "network/text/splitter.h"
#include "network/text/tokenizer.h"
#include "network/text/utf8.h"

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

// The special token is of the vocabulary too, as in real files.
constexpr std::string_view small_json = R"({
  "normalizer": null,
  "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
    {"type": "Split", "pattern": {"Regex": "x"}, "behavior": "Isolated", "invert": false},
    {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]},
  "model": {"type": "BPE", "dropout": null, "continuing_subword_prefix": "",
    "end_of_word_suffix": null, "byte_fallback": false,
    "vocab": {"h": 0, "e": 1, "he": 2, "<|end|>": 3}, "merges": ["h e"]},
  "added_tokens": [{"id": 3, "content": "<|end|>",
    "single_word": false, "lstrip": false, "rstrip": false}]
})";

// Loads small_json with its one `from` replaced by `to`.
Result<BpeDefinition> load_changed(std::string_view from, std::string_view to) {
  std::string text(small_json);
  REQUIRE(text.find(from) == text.rfind(from));
  text.replace(text.find(from), from.size(), to);
  const auto path =
      std::filesystem::temp_directory_path() / fmt::format("qb_text_{}.json", ::getpid());
  std::ofstream(path, std::ios::binary) << text;
  auto definition = load_huggingface_tokenizer(path);
  std::filesystem::remove(path);
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

TEST_CASE("added tokens are found in what the special ones leave") {
  BpeDefinition definition = small_definition();
  definition.tokens.emplace_back("xhe<|");  // begins before the special token
  definition.added_tokens = {261};
  const Tokenizer tokenizer = build_tokenizer(std::move(definition)).value();
  CHECK(tokenizer.encode("xhe<|end|>xhe<|").value() == std::vector<int32_t>{'x', 256, 260, 261});
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

TEST_CASE("a tokenizer.json loads, with its unsupported fields neutral or absent") {
  struct Change {
    std::string_view from, to;
  };
  for (const auto& [from, to] : {
           Change{"h e", "h e"},
           {R"("dropout": null)", R"("dropout": 0.0)"},
           {R"("continuing_subword_prefix": "")", R"("continuing_subword_prefix": null)"},
           {R"("end_of_word_suffix": null)", R"("end_of_word_suffix": "")"},
           {R"("byte_fallback": false,)", ""},
           {R"(, "invert": false)", ""},
           {R"("lstrip": false, )", ""},
       }) {
    CAPTURE(to);
    auto definition = load_changed(from, to);
    REQUIRE(definition);
    const Tokenizer tokenizer = build_tokenizer(*std::move(definition)).value();
    CHECK(tokenizer.encode("hehe<|end|>e").value() == std::vector<int32_t>{2, 2, 3, 1});
  }
}

TEST_CASE("a tokenizer.json that asks for what we do not follow is refused, naming the field") {
  struct Change {
    std::string_view from, to;
    Errc code;
    std::string_view message;
  };
  for (const auto& [from, to, code, message] : {
           Change{R"("end_of_word_suffix": null)", R"("end_of_word_suffix": "</w>")",
                  Errc::unsupported, R"(end_of_word_suffix "</w>" is not supported)"},
           {R"("continuing_subword_prefix": "")", R"("continuing_subword_prefix": "##")",
            Errc::unsupported, R"(continuing_subword_prefix "##" is not supported)"},
           {R"("byte_fallback": false)", R"("byte_fallback": true)", Errc::unsupported,
            "byte_fallback true is not supported"},
           {R"("dropout": null)", R"("dropout": 0.1)", Errc::unsupported,
            "dropout 0.1 is not supported"},
           {R"("invert": false)", R"("invert": true)", Errc::unsupported,
            "invert true is not supported"},
           {R"("lstrip": false)", R"("lstrip": true)", Errc::unsupported,
            R"(added token "<|end|>": lstrip true is not supported)"},
           {R"("rstrip": false)", R"("rstrip": true)", Errc::unsupported,
            R"(added token "<|end|>": rstrip true is not supported)"},
           {R"("single_word": false)", R"("single_word": true)", Errc::unsupported,
            R"(added token "<|end|>": single_word true is not supported)"},
           {R"("model": {)", R"("truncation": {"max_length": 8}, "model": {)", Errc::unsupported,
            R"(truncation {"max_length":8} is not supported)"},
           {R"("model": {)", R"("padding": {"length": 8}, "model": {)", Errc::unsupported,
            R"(padding {"length":8} is not supported)"},
           {R"("byte_fallback": false)", R"("unk_token": "h")", Errc::unsupported,
            R"(where the vocabulary lacks bytes (2 of 256))"},
           {R"("byte_fallback": false)", R"("next_year": true)", Errc::unsupported,
            R"(model: next_year true is not supported)"},
           {R"("single_word": false)", R"("next_year": 1)", Errc::unsupported,
            R"(added token "<|end|>": next_year 1 is not supported)"},
           {R"("add_prefix_space": false)", R"("add_prefix_space": true)", Errc::unsupported,
            "add_prefix_space is not supported"},
           {R"("type": "ByteLevel", "add_prefix_space": false, "use_regex": false)",
            R"("type": "Digits")", Errc::unsupported,
            "its last must be ByteLevel, and the only one"},
           {R"("normalizer": null)", R"("normalizer": {"type": "NFC"})", Errc::unsupported,
            R"(normalizer {"type":"NFC"} is not supported)"},
           {R"("he": 2)", R"("he": 1)", Errc::bad_input, R"(tokens "e" and "he" both have id 1)"},
           {R"("id": 3)", R"("id": 2)", Errc::bad_input,
            R"(tokens "he" and "<|end|>" both have id 2)"},
           {R"("he": 2)", R"("he": 2000001)", Errc::bad_input, R"(token "he" has id 2000001)"},
       }) {
    CAPTURE(to);
    const auto definition = load_changed(from, to);
    REQUIRE_FALSE(definition);
    CHECK(definition.error().code == code);
    CHECK(definition.error().message.ends_with(message));
  }
}

TEST_CASE("an empty special token, which would match everywhere, is refused") {
  BpeDefinition definition = small_definition();
  definition.tokens[static_cast<size_t>(definition.special_tokens.at(0))].clear();
  const auto tokenizer = build_tokenizer(std::move(definition));
  REQUIRE_FALSE(tokenizer);
  CHECK(tokenizer.error().message.find("is empty") != std::string::npos);
}
