// Finds a tokenizer's files, and reads those that are no tokenizer.json: they become what a
// tokenizer.json of the same kind says.
#include "network/text/files.h"

#include <algorithm>
#include <sstream>

#include "network/text/fields.h"
#include "network/text/sentence_piece.h"
#include "network/text/tokenizer.h"

namespace qb::text {
namespace fs = std::filesystem;
namespace {

Json list_of(std::vector<Json> items) { return Json(std::move(items)); }
Json kind(std::string_view type) { return Json::object({{"type", type}}); }

Result<Json> read_json(const fs::path& path) {
  QB_TRY(const std::string text, read_tokenizer_file(path));
  return with_context(parse_json(text), path.string());
}

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

// vocab.txt of BERT: a token a line.
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

Result<void> use_clip(Definition& definition) {
  definition.model.set("end_of_word_suffix", "</w>");
  definition.model.set("unk_token", "<|endoftext|>");
  const Json spaces = Json::object({{"type", "Replace"},
                                    {"pattern", Json::object({{"Regex", R"(\s+)"}})},
                                    {"content", " "}});
  definition.normalizer = Json::object(
      {{"type", "Sequence"}, {"normalizers", list_of({kind("NFC"), spaces, kind("Lowercase")})}});
  Json words =
      split_json(R"('s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+)");
  words.set("behavior", "Removed");
  words.set("invert", true);
  definition.pre_tokenizer = Json::object(
      {{"type", "Sequence"}, {"pretokenizers", list_of({words, byte_level_json(true)})}});
  definition.decoder = Json::object(
      {{"type", "Sequence"},
       {"decoders", list_of({kind("ByteLevel"), Json::object({{"type", "BPEDecoder"},
                                                              {"suffix", "</w>"}})})}});
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

// vocab.json and merges.txt say neither how the text is cut nor what is done to it before: the
// class of tokenizer_config.json does.
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
  QB_TRY(const Json vocab, read_json(path));
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

Result<Definition> read_sentence_piece(const fs::path& path, const Json& config) {
  Definition definition = {.model = kind("SentencePiece")};
  QB_TRY(definition.sentence_piece, read_tokenizer_file(path));
  QB_TRY(const SentenceEnds ends,
         with_context(sentence_ends(definition.sentence_piece), path.string()));
  QB_TRY(definition.tokens, sentence_pieces(definition.sentence_piece));
  Json special_tokens = Json::object({});
  Json single;
  const auto add_end = [&](std::string_view field, int32_t id) -> Result<void> {
    if (!config[field].as_bool()) return {};
    if (id < 0) return fail(Errc::bad_input, "{} asks for a token that {} lacks", field,
                            path.string());
    special_tokens.set(field, Json::object({{"ids", list_of({id})}}));
    single.push(Json::object({{"SpecialToken", Json::object({{"id", field}})}}));
    return {};
  };
  QB_CHECK(add_end("add_bos_token", ends.begin));
  single.push(Json::object({{"Sequence", Json::object({{"id", "A"}})}}));
  QB_CHECK(add_end("add_eos_token", ends.end));
  definition.post_processor = Json::object(
      {{"type", "TemplateProcessing"}, {"single", single}, {"special_tokens", special_tokens}});
  return definition;
}

// Tokens that tokenizer_config.json adds to files that can't say them.
Result<void> add_tokens_of(const Json& config, Definition& definition) {
  for (const auto& [name, object] : config["added_tokens_decoder"].as_object()) {
    QB_TRY(const Json id, with_context(parse_json(name), "added_tokens_decoder"));
    QB_TRY(const AddedToken token, read_added_token(object, id));
    std::erase_if(definition.added_tokens, [&](const AddedToken& other) {
      return other.id == token.id;
    });
    definition.added_tokens.push_back(token);
  }
  const bool is_sentence_piece = !definition.sentence_piece.empty();
  if (is_sentence_piece && !definition.added_tokens.empty() && config["legacy"] == Json(false))
    return fail(Errc::unsupported,
                "tokenizer_config.json: legacy false is not supported for a tokenizer.model, only "
                "as the tokenizer.json that transformers writes");
  return {};
}

// Where tokenizer_config.json says otherwise than tokenizer.json, transformers follows it.
Result<void> apply_config(const Json& config, Definition& definition) {
  Json& normalizer = definition.normalizer;
  if (normalizer["type"] == Json("BertNormalizer"))
    for (const auto& [theirs, ours] :
         {std::pair{"do_lower_case", "lowercase"}, std::pair{"strip_accents", "strip_accents"},
          std::pair{"tokenize_chinese_chars", "handle_chinese_chars"}})
      if (!config[theirs].is_null()) normalizer.set(ours, config[theirs]);
  for (const std::string_view field : {"add_bos_token", "add_eos_token"}) {
    const Json& wanted = config[field];
    if (wanted.is_null()) continue;
    const bool is_begin = field == "add_bos_token";
    QB_TRY(const bool has, adds_token(definition, is_begin));
    if (has != wanted.as_bool())
      return fail(Errc::unsupported,
                  "tokenizer_config.json: {} {} contradicts the post_processor of tokenizer.json",
                  field, shown(wanted));
  }
  return {};
}

Result<fs::path> file_of(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return path;
  for (const char* name : {"tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt"})
    if (fs::exists(path / name, error)) return path / name;
  if (fs::exists(path / "tekken.json", error))
    return fail(Errc::unsupported, "{}: tekken.json is not supported; transformers writes it as a "
                "tokenizer.json", path.string());
  return fail(Errc::not_found,
              "{} has no tokenizer: neither tokenizer.json nor tokenizer.model, vocab.json or "
              "vocab.txt",
              path.string());
}

}  // namespace

Result<Definition> load_definition(const fs::path& path) {
  QB_TRY(const fs::path file, file_of(path));
  const fs::path config_file = file.parent_path() / "tokenizer_config.json";
  Json config;
  std::error_code error;
  if (fs::exists(config_file, error)) QB_TRY(config, read_json(config_file));
  const std::string name = file.filename().string();
  if (name.ends_with(".json") && name != "vocab.json") {
    QB_TRY(const Json json, read_json(file));
    QB_TRY(Definition definition, with_context(read_huggingface(json), file.string()));
    QB_CHECK(with_context(apply_config(config, definition), file.string()));
    return definition;
  }
  Result<Definition> definition = name == "vocab.json"       ? read_vocab_and_merges(file, config)
                                  : name.ends_with(".txt")   ? read_word_piece(file, config)
                                                             : read_sentence_piece(file, config);
  if (!definition) return definition;
  QB_CHECK(with_context(add_tokens_of(config, *definition), file.string()));
  return definition;
}

}  // namespace qb::text
