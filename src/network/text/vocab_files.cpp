// vocab.txt, and vocab.json with merges.txt: they become what a tokenizer.json of the same kind
// says.
#include <algorithm>
#include <optional>
#include <sstream>

#include "network/text/fields.h"
#include "network/text/files.h"

namespace qb::text {
namespace fs = std::filesystem;
namespace {

Json list_of(std::vector<Json> items) { return Json(std::move(items)); }
Json kind(std::string_view type) { return Json::object({{"type", type}}); }

std::optional<int32_t> id_of(const Definition& definition, std::string_view token) {
  const auto found = std::ranges::find(definition.tokens, token);
  if (found == definition.tokens.end()) return std::nullopt;
  return static_cast<int32_t>(found - definition.tokens.begin());
}

// The lines, without their ends.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(line);
  }
  return lines;
}

// Special tokens that the vocabulary has.
void add_special(Definition& definition, std::initializer_list<std::string_view> tokens) {
  for (const std::string_view token : tokens)
    if (const auto id = id_of(definition, token))
      definition.added_tokens.push_back({.id = *id, .text = std::string(token)});
}

Result<void> set_around(Definition& definition, std::string_view first, std::string_view last) {
  const auto first_id = id_of(definition, first);
  const auto last_id = id_of(definition, last);
  if (!first_id || !last_id)
    return fail(Errc::bad_input, "the vocabulary lacks {} or {}", first, last);
  definition.post_processor = Json::object({{"type", "BertProcessing"},
                                            {"cls", list_of({first, *first_id})},
                                            {"sep", list_of({last, *last_id})}});
  return {};
}

}  // namespace

Result<Definition> read_word_piece(const fs::path& path, const Json& config) {
  QB_CHECK(refuse_fields(config, "tokenizer_config.json: ", {"never_split"}));
  QB_TRY(const std::string text, read_tokenizer_file(path));
  Definition definition;
  definition.tokens = lines_of(text);
  definition.model = Json::object({{"type", "WordPiece"},
                                   {"unk_token", "[UNK]"},
                                   {"continuing_subword_prefix", "##"},
                                   {"max_input_chars_per_word", 100}});
  definition.normalizer =
      Json::object({{"type", "BertNormalizer"},
                    {"clean_text", true},
                    {"handle_chinese_chars", config["tokenize_chinese_chars"].as_bool(true)},
                    {"strip_accents", config["strip_accents"]},
                    {"lowercase", config["do_lower_case"].as_bool(true)}});
  definition.pre_tokenizer = kind("BertPreTokenizer");
  definition.decoder = Json::object({{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}});
  add_special(definition, {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"});
  QB_CHECK(set_around(definition, "[CLS]", "[SEP]"));
  return definition;
}

namespace {

Result<void> use_clip(Definition& definition) {
  definition.model.set("end_of_word_suffix", "</w>");
  definition.model.set("unk_token", "<|endoftext|>");
  const Json spaces = Json::object(
      {{"type", "Replace"}, {"pattern", Json::object({{"Regex", R"(\s+)"}})}, {"content", " "}});
  definition.normalizer = Json::object(
      {{"type", "Sequence"}, {"normalizers", list_of({kind("NFC"), spaces, kind("Lowercase")})}});
  Json words = split_json(R"('s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+)");
  words.set("behavior", "Removed");
  words.set("invert", true);
  definition.pre_tokenizer = Json::object(
      {{"type", "Sequence"}, {"pretokenizers", list_of({words, byte_level_json(true)})}});
  const Json ends = Json::object(
      {{"type", "Replace"}, {"pattern", Json::object({{"String", "</w>"}})}, {"content", " "}});
  const Json strip = Json::object({{"type", "Strip"}, {"content", " "}, {"start", 0}, {"stop", 1}});
  definition.decoder =
      Json::object({{"type", "Sequence"}, {"decoders", list_of({kind("ByteLevel"), ends, strip})}});
  add_special(definition, {"<|startoftext|>", "<|endoftext|>"});
  return set_around(definition, "<|startoftext|>", "<|endoftext|>");
}

Result<void> use_gpt2(Definition& definition) {
  definition.pre_tokenizer = byte_level_json(true);
  add_special(definition, {"<|endoftext|>"});
  return {};
}

Result<void> use_roberta(Definition& definition) {
  definition.pre_tokenizer = byte_level_json(true);
  add_special(definition, {"<s>", "</s>", "<pad>", "<unk>"});
  return set_around(definition, "<s>", "</s>");
}

Result<void> use_qwen2(Definition& definition) {
  definition.normalizer = kind("NFC");
  definition.pre_tokenizer = qwen2_pre_tokenizer();
  add_special(definition, {"<|endoftext|>"});
  return {};
}

}  // namespace

Result<Definition> read_vocab_and_merges(const fs::path& path, const Json& config) {
  struct Row {
    std::string_view name;
    Result<void> (*use)(Definition&);
  };
  constexpr Row rows[] = {{"GPT2Tokenizer", use_gpt2},
                          {"CLIPTokenizer", use_clip},
                          {"RobertaTokenizer", use_roberta},
                          {"Qwen2Tokenizer", use_qwen2}};
  QB_CHECK(refuse_fields(config, "tokenizer_config.json: ", {"add_prefix_space"}));
  QB_TRY(const Json vocab, read_json_file(path));
  QB_TRY(const std::string merges, read_tokenizer_file(path.parent_path() / "merges.txt"));
  Definition definition = {.model = kind("BPE"), .decoder = kind("ByteLevel")};
  for (const auto& [token, id] : vocab.as_object())
    QB_CHECK(with_context(place_token(definition.tokens, token, id), path.string()));
  for (const std::string& line : lines_of(merges)) {
    if (line.empty() || line.starts_with("#version")) continue;
    QB_TRY(auto merge, read_merge(line, definition.merges.size()));
    definition.merges.push_back(std::move(merge));
  }
  std::string name = config["tokenizer_class"].as_string();
  if (name.ends_with("Fast")) name.resize(name.size() - 4);
  if (name.empty()) name = id_of(definition, "!</w>") ? "CLIPTokenizer" : "GPT2Tokenizer";
  for (const Row& row : rows) {
    if (row.name != name) continue;
    QB_CHECK(with_context(row.use(definition), path.string()));
    return definition;
  }
  return fail(Errc::unsupported,
              "{}: tokenizer_class {} is not known without a tokenizer.json, which transformers "
              "writes",
              path.string(), name);
}

}  // namespace qb::text
