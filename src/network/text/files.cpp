// Finds a tokenizer's files, and what tokenizer_config.json beside them changes.
#include "network/text/files.h"

#include <algorithm>
#include <optional>

#include "network/text/fields.h"
#include "network/text/sentence_piece.h"
#include "network/text/tokenizer.h"

namespace qb::text {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view config_name = "tokenizer_config.json";

// A post_processor that puts a token at these ends.
Json ends_json(std::optional<int32_t> begin, std::optional<int32_t> end) {
  Json special_tokens = Json::object({});
  Json single;
  const auto add = [&](std::string_view name, std::optional<int32_t> id) {
    if (!id) return;
    special_tokens.set(name, Json::object({{"ids", Json(Json::Array{*id})}}));
    single.push(Json::object({{"SpecialToken", Json::object({{"id", name}})}}));
  };
  add("begin", begin);
  single.push(Json::object({{"Sequence", Json::object({{"id", "A"}})}}));
  add("end", end);
  return Json::object(
      {{"type", "TemplateProcessing"}, {"single", single}, {"special_tokens", special_tokens}});
}

// tokenizer.model does not say which ends of a text get a token: its config does.
Result<Definition> read_sentence_piece_file(const fs::path& path, const Json& config) {
  QB_TRY(std::string proto, read_tokenizer_file(path));
  QB_TRY(SentencePieceDefinition read,
         with_context(read_sentence_piece(std::move(proto)), path.string()));
  std::optional<int32_t> begin, end;
  if (config["add_bos_token"].as_bool() && read.begin >= 0) begin = read.begin;
  if (config["add_eos_token"].as_bool() && read.end >= 0) end = read.end;
  read.definition.post_processor = ends_json(begin, end);
  return std::move(read.definition);
}

// Tokens that tokenizer_config.json adds to files that can't say them.
Result<void> add_tokens_of(const Json& config, Definition& definition) {
  for (const auto& [name, object] : config["added_tokens_decoder"].as_object()) {
    QB_TRY(const Json id, with_context(parse_json(name), "added_tokens_decoder"));
    QB_TRY(const AddedToken token, read_added_token(object, id));
    std::erase_if(definition.added_tokens,
                  [&](const AddedToken& other) { return other.id == token.id; });
    definition.added_tokens.push_back(token);
  }
  const bool is_sentence_piece = !definition.sentence_piece.empty();
  if (is_sentence_piece && !definition.added_tokens.empty() && config["legacy"] == Json(false))
    return fail(Errc::unsupported,
                "tokenizer_config.json: legacy false is not supported for a tokenizer.model, only "
                "as the tokenizer.json that transformers writes");
  return {};
}

// The id of a special token that the config names, as a text or an added token; none: it has none.
Result<std::optional<int32_t>> special_id(const Json& config, std::string_view field,
                                          const Definition& definition) {
  const Json& token = config[field].is_object() ? config[field]["content"] : config[field];
  if (token.is_null()) return std::nullopt;
  for (const AddedToken& added : definition.added_tokens)
    if (added.text == token.as_string()) return added.id;
  const auto found = std::ranges::find(definition.tokens, token.as_string());
  if (found == definition.tokens.end())
    return fail(Errc::bad_input, "tokenizer_config.json: {} {} is not of the vocabulary", field,
                shown(token));
  return static_cast<int32_t>(found - definition.tokens.begin());
}

// Where it says which ends get a token, transformers passes over the post_processor.
Result<void> apply_ends(const Json& config, Definition& definition) {
  const Json& begins = config["add_bos_token"];
  const Json& ends = config["add_eos_token"];
  if (begins.is_null() && ends.is_null()) return {};
  std::optional<int32_t> begin, end;
  if (begins.as_bool()) {
    QB_TRY(begin, special_id(config, "bos_token", definition));
  }
  if (ends.as_bool()) {
    QB_TRY(end, special_id(config, "eos_token", definition));
  }
  definition.post_processor = ends_json(begin, end);
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
  return apply_ends(config, definition);
}

Result<fs::path> file_of(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return path;
  for (const char* name : {"tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt"})
    if (fs::exists(path / name, error)) return path / name;
  if (fs::exists(path / "tekken.json", error))
    return fail(Errc::unsupported,
                "{}: tekken.json is not supported; transformers writes it as a "
                "tokenizer.json",
                path.string());
  return fail(Errc::not_found,
              "{} has no tokenizer: neither tokenizer.json nor tokenizer.model, vocab.json or "
              "vocab.txt",
              path.string());
}

}  // namespace

Result<std::vector<fs::path>> find_tokenizer(const fs::path& path) {
  QB_TRY(const fs::path file, file_of(path));
  std::vector<fs::path> files = {file};
  std::error_code error;
  const auto add = [&](std::string_view name) {
    if (fs::exists(file.parent_path() / name, error)) files.push_back(file.parent_path() / name);
  };
  if (file.filename() == "vocab.json") add("merges.txt");
  add(config_name);
  return files;
}

Result<Definition> load_definition(const fs::path& path) {
  QB_TRY(const std::vector<fs::path> files, find_tokenizer(path));
  const fs::path& file = files.front();
  Json config;
  if (files.back().filename() == config_name) {
    QB_TRY(config, read_json_file(files.back()));
  }
  const std::string name = file.filename().string();
  if (name.ends_with(".json") && name != "vocab.json") {
    QB_TRY(const Json json, read_json_file(file));
    QB_TRY(Definition definition, with_context(read_huggingface(json), file.string()));
    QB_CHECK(with_context(apply_config(config, definition), file.string()));
    return definition;
  }
  Result<Definition> definition = name == "vocab.json"     ? read_vocab_and_merges(file, config)
                                  : name.ends_with(".txt") ? read_word_piece(file, config)
                                                           : read_sentence_piece_file(file, config);
  if (!definition) return definition;
  QB_CHECK(with_context(add_tokens_of(config, *definition), file.string()));
  return definition;
}

}  // namespace qb::text
