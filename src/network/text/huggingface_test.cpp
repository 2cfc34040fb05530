// tokenizer.json: what is read, and what a hostile or newer one is told.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "network/text/tokenizer.h"

using namespace qb;
using namespace qb::text;
namespace fs = std::filesystem;

namespace {

// The special token is of the vocabulary too, as in real files.
constexpr std::string_view small_json = R"({
  "version": "1.0", "truncation": null, "padding": null,
  "normalizer": null,
  "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
    {"type": "Split", "pattern": {"Regex": "x"}, "behavior": "Isolated", "invert": false},
    {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]},
  "post_processor": null,
  "decoder": {"type": "ByteLevel"},
  "model": {"type": "BPE", "dropout": null, "continuing_subword_prefix": "",
    "end_of_word_suffix": null, "byte_fallback": false,
    "vocab": {"h": 0, "e": 1, "he": 2, "<|end|>": 3}, "merges": ["h e"]},
  "added_tokens": [{"id": 3, "content": "<|end|>",
    "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}]
})";

class Folder {
 public:
  Folder() { fs::create_directories(path_); }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  void write(const std::string& name, std::string_view text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
  }
  Result<Tokenizer> load(const std::string& name = "") const {
    auto definition = load_definition(name.empty() ? path_ : path_ / name);
    if (!definition) return tl::unexpected(std::move(definition).error());
    return build_tokenizer(*definition);
  }

 private:
  fs::path path_ = fs::temp_directory_path() / fmt::format("qb_text_{}", ::getpid());
};

// small_json with its one `from` replaced by `to`.
Result<Tokenizer> load_changed(std::string_view from, std::string_view to) {
  std::string text(small_json);
  REQUIRE(text.find(from) != std::string::npos);
  REQUIRE(text.find(from) == text.rfind(from));
  text.replace(text.find(from), from.size(), to);
  const Folder folder;
  folder.write("tokenizer.json", text);
  return folder.load();
}

struct Change {
  std::string_view from, to, message;
  Errc code = Errc::bad_input;
};

void check_refused(const Change& change) {
  CAPTURE(change.to);
  const auto tokenizer = load_changed(change.from, change.to);
  REQUIRE_FALSE(tokenizer);
  CAPTURE(tokenizer.error().message);
  CHECK(tokenizer.error().code == change.code);
  CHECK(tokenizer.error().message.find(change.message) != std::string::npos);
  CHECK(tokenizer.error().message.find('\n') == std::string::npos);
  CHECK(tokenizer.error().message.size() < 400);
}

using Ids = std::vector<int32_t>;

}  // namespace

TEST_CASE("a tokenizer.json loads, with its neutral fields there or not") {
  for (const auto& [from, to] : {
           std::pair<std::string_view, std::string_view>{"h e", "h e"},
           {R"("dropout": null)", R"("dropout": 0.0)"},
           {R"("continuing_subword_prefix": "")", R"("continuing_subword_prefix": null)"},
           {R"("end_of_word_suffix": null)", R"("end_of_word_suffix": "")"},
           {R"("byte_fallback": false,)", ""},
           {R"(, "invert": false)", ""},
           {R"("lstrip": false, )", ""},
           {R"("type": "BPE", )", ""},
           {R"(["h e"])", R"([["h", "e"]])"},
           {R"("padding": null)", R"("next_year": false)"},
       }) {
    CAPTURE(to);
    const auto tokenizer = load_changed(from, to);
    REQUIRE(tokenizer);
    CHECK(tokenizer->encode("hehe<|end|>e").value() == Ids{2, 2, 3, 1});
    CHECK(tokenizer->encode_whole("he").value() == Ids{2});
    CHECK(tokenizer->decode(Ids{2, 3, -1, 99}) == "he<|end|>");
  }
}

TEST_CASE("what isn't followed is refused by its name") {
  for (const auto& [from, to, message] : {
           std::tuple<std::string_view, std::string_view, std::string_view>{
               R"("dropout": null)", R"("dropout": 0.1)", "model: dropout 0.1 is not supported"},
           {R"("byte_fallback": false)", R"("next_year": true)",
            "model: next_year true is not supported"},
           {R"("single_word": false)", R"("next_year": 1)",
            R"(added token "<|end|>": next_year 1 is not supported)"},
           {R"("version": "1.0")", R"("next_year": 1)", "next_year 1 is not supported"},
           {R"("type": "BPE")", R"("type": "Markov")", R"(model "Markov" is not one of BPE, )"},
           {R"("normalizer": null)", R"("normalizer": {"type": "Rot13"})",
            R"(normalizer "Rot13" is not supported)"},
           {R"("normalizer": null)", R"("normalizer": {"type": "NFC", "strength": 2})",
            R"(normalizer NFC: strength 2 is not supported)"},
           {R"("normalizer": null)",
            R"("normalizer": {"type": "Replace", "pattern": {"Glob": "*"}, "content": ""})",
            R"(normalizer Replace: pattern {"Glob":"*"} is not supported)"},
           {R"("type": "Split")", R"("type": "UnicodeScripts")",
            R"(pre_tokenizer "UnicodeScripts" is not supported)"},
           {R"("behavior": "Isolated")", R"("behavior": "Doubled")",
            R"(pre_tokenizer Split: behavior "Doubled" is not supported)"},
           {R"("post_processor": null)", R"("post_processor": {"type": "Shout"})",
            R"(post_processor "Shout" is not supported)"},
           {R"("post_processor": null)",
            R"("post_processor": {"type": "TemplateProcessing", "special_tokens": {},
               "single": [{"Sequence": {"id": "A", "type_id": 1}}]})",
            R"(post_processor TemplateProcessing: single: type_id 1 is not supported)"},
           {R"("post_processor": null)",
            R"("post_processor": {"type": "TemplateProcessing", "single": [],
               "special_tokens": {}})",
            R"(single: the text is there 0 times)"},
           {R"("decoder": {"type": "ByteLevel"})", R"("decoder": {"type": "CTC"})",
            R"(decoder "CTC" is not supported)"},
           {R"("truncation": null)", R"("truncation": {"max_length": 8, "strategy": "OnlySecond"})",
            R"(truncation: strategy "OnlySecond" is not supported)"},
           {R"("pretokenizers": [)", R"("pretokenizers": [7, )", "pre_tokenizer 7 is not"},
           {R"("Regex": "x")", R"("Regex": "(x")", "a group without end"},
           {R"("padding": null)", R"("padding": {"strategy": "Golden", "pad_id": 0})",
            R"(padding: strategy "Golden" is not supported)"},
       })
    check_refused({from, to, message, Errc::unsupported});
}

TEST_CASE("what is of the wrong kind or size is said in one line") {
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += R"({"type": "Sequence", "normalizers": [)";
  const std::string nested = "\"normalizer\": " + deep;
  for (const auto& [from, to, message] : {
           std::tuple<std::string_view, std::string_view, std::string_view>{
               R"("he": 2)", R"("he": 1)", R"(tokens "e" and "he" both have id 1)"},
           {R"("id": 3)", R"("id": 2)", R"(tokens "he" and "<|end|>" both have id 2)"},
           {R"("he": 2)", R"("he": 2000001)", R"(token "he" has id 2000001)"},
           {R"("he": 2)", R"("he": -1)", R"(token "he" has id -1)"},
           {R"("he": 2)", R"("he": 1e300)", R"(token "he" has id 1e+300)"},
           {R"("he": 2)", R"("he": 99999999999999999999)", R"(token "he" has id )"},
           {R"("he": 2)", R"("he": "2")", R"(token "he" has id "2")"},
           {R"("id": 3)", R"("id": 3.5)", "id 3.5 is not an integer"},
           {R"("id": 3, )", "", R"(token "<|end|>" has id null)"},
           {R"("content": "<|end|>")", R"("content": "")", "is empty"},
           {R"("content": "<|end|>")", R"("content": [1])", "content [1] is not a text"},
           {R"("lstrip": false)", R"("lstrip": "no")", R"(lstrip "no" is not true or false)"},
           {R"(["h e"])", R"({"h": "e"})", R"(model: merges {"h":"e"} is not a list)"},
           {R"(["h e"])", R"([7])", "model: merge 0 7 is no pair"},
           {R"(["h e"])", R"([["h", "e", "l"]])", R"(model: merge 0 ["h","e","l"] is no pair)"},
           {R"(["h e"])", R"(["h  e"])", "is no pair"},
           {R"(["h e"])", R"(["h o"])", R"(merge 0 "h o" is not of the vocabulary)"},
           {R"({"h": 0, "e": 1, "he": 2, "<|end|>": 3})", "7",
            "model: vocab 7 is neither an object nor a list"},
           {R"("byte_fallback": false)", R"("unk_token": 3)", "unk_token 3 is not a text"},
           {R"("byte_fallback": false)", R"("unk_token": "no")",
            R"(unk_token "no" is not of the vocabulary)"},
           {R"("byte_fallback": false)", R"("byte_fallback": "yes")",
            R"(byte_fallback "yes" is not true or false)"},
           {R"("type": "BPE")", R"("type": "Unigram")", "model: 4 tokens have 0 scores"},
           {R"("normalizer": null)", R"("normalizer": 7)", "normalizer 7 is not an object"},
           {R"("normalizer": null)", R"("normalizer": {"type": "Sequence", "normalizers": 7})",
            "normalizer Sequence: normalizers 7 is not a list"},
           {R"("normalizer": null)", nested, "nested deeper than 128 levels"},
           {R"("normalizer": null)",
            R"("normalizer": {"type": "Precompiled", "precompiled_charsmap": "////"})",
            "precompiled_charsmap of 3 bytes can't hold its table"},
           {R"("normalizer": null)",
            R"("normalizer": {"type": "Precompiled", "precompiled_charsmap": "?"})",
            "precompiled_charsmap is no base64"},
           {R"("truncation": null)", R"("truncation": {"max_length": 1e30})",
            "max_length 1e+30 is not an integer"},
           {R"("truncation": null)", R"("truncation": {"max_length": 1000000000000})",
            "truncation: max_length 1000000000000 is no length"},
           {R"("padding": null)", R"("padding": {"strategy": {"Fixed": -1}, "pad_id": 0})",
            "padding: Fixed -1 is no length"},
           {R"("padding": null)", R"("padding": {"strategy": "BatchLongest", "pad_id": 77})",
            "special token 77 is outside the vocabulary of 4"},
           {R"("post_processor": null)",
            R"("post_processor": {"type": "BertProcessing", "cls": ["a", 9], "sep": ["b"]})",
            "post_processor BertProcessing: sep is no pair of token and id"},
           {R"("post_processor": null)",
            R"("post_processor": {"type": "BertProcessing", "cls": ["a", 9], "sep": ["b", 1]})",
            "special token 9 is outside the vocabulary of 4"},
           {R"("post_processor": null)",
            R"("post_processor": {"type": "TemplateProcessing", "special_tokens": {},
               "single": [{"SpecialToken": {"id": "a"}}]})",
            R"(special token "a" is not in special_tokens)"},
           {R"("version": "1.0")", R"("model": {}, "version": "1.0")",
            R"(key "model" appears twice)"},
       })
    check_refused({from, to, message});
}

TEST_CASE("any beginning of a tokenizer.json is refused, not read") {
  const Folder folder;
  for (size_t length = 0; length + 1 < small_json.size(); length += 3) {
    folder.write("tokenizer.json", small_json.substr(0, length));
    CHECK_FALSE(folder.load());
  }
}

TEST_CASE("tokenizer_config.json beside it counts as it does for transformers") {
  const Folder folder;
  folder.write("tokenizer.json", small_json);
  folder.write("tokenizer_config.json",
               R"({"add_bos_token": true, "bos_token": {"content": "<|end|>"}})");
  CHECK(folder.load().value().encode_whole("he").value() == Ids{3, 2});
  folder.write("tokenizer_config.json", R"({"add_eos_token": true, "eos_token": "h"})");
  CHECK(folder.load().value().encode_whole("he").value() == Ids{2, 0});
  folder.write("tokenizer_config.json", R"({"add_bos_token": true, "bos_token": "nowhere"})");
  CHECK(folder.load().error().message.find("bos_token \"nowhere\" is not of the vocabulary") !=
        std::string::npos);
  folder.write("tokenizer_config.json", "[");
  CHECK_FALSE(folder.load());
}

TEST_CASE("a folder without a tokenizer says what it looked for") {
  const Folder folder;
  const auto nothing = folder.load();
  REQUIRE_FALSE(nothing);
  CHECK(nothing.error().code == Errc::not_found);
  CHECK(nothing.error().message.find("neither tokenizer.json nor tokenizer.model") !=
        std::string::npos);
  folder.write("tekken.json", "{}");
  CHECK(folder.load().error().message.find("tekken.json is not supported") != std::string::npos);
  folder.write("tokenizer.model", "no protobuf");
  CHECK(folder.load().error().message.find("is no model that SentencePiece reads") !=
        std::string::npos);
  folder.write("vocab.json", R"({"a": 0})");
  CHECK_FALSE(folder.load("vocab.json"));  // merges.txt is missing
  folder.write("merges.txt", "#version: 0.2\na  b\n");
  CHECK(folder.load("vocab.json").error().message.find("merge 0 \"a  b\" is no pair") !=
        std::string::npos);
  folder.write("merges.txt", "");
  folder.write("tokenizer_config.json", R"({"tokenizer_class": "MyTokenizer"})");
  CHECK(folder.load("vocab.json").error().message.find("tokenizer_class MyTokenizer") !=
        std::string::npos);
  folder.write("vocab.txt", "a\nb\n");
  CHECK(folder.load("vocab.txt").error().message.find("lacks [CLS] or [SEP]") != std::string::npos);
}
