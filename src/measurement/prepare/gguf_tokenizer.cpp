#include "measurement/prepare/gguf_tokenizer.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "network/text/files.h"
#include "network/text/sentence_piece.h"

namespace qb::prepare {
namespace {

enum Kind : int64_t { unknown = 2, control = 3, user_defined = 4, unused = 5 };

// What is read, or says nothing of how text is cut. (qbench's windows of text begin anywhere, so a
// token for the begin of a text is never put before them.)
constexpr std::string_view known_fields[] = {
    "tokenizer.ggml.model",         "tokenizer.ggml.pre",
    "tokenizer.ggml.tokens",        "tokenizer.ggml.merges",
    "tokenizer.ggml.token_type",    "tokenizer.ggml.scores",
    "tokenizer.ggml.add_bos_token", "tokenizer.ggml.add_eos_token",
    "tokenizer.ggml.add_sep_token", "tokenizer.ggml.token_type_count",
    "tokenizer.huggingface.json"};
// Of SentencePiece besides; for the others they are refused unless they are false.
constexpr std::string_view space_fields[] = {"tokenizer.ggml.add_space_prefix",
                                             "tokenizer.ggml.remove_extra_whitespaces"};

Result<void> check_fields(const weights::WeightFile& file, bool is_sentence_piece) {
  for (const std::string& key : file.keys()) {
    const Json& value = file.metadata[key];
    const bool is_followed =
        std::ranges::count(known_fields, key) > 0 ||
        (is_sentence_piece && value.is_bool() && std::ranges::count(space_fields, key) > 0);
    if (!key.starts_with("tokenizer.") || key.ends_with("_token_id") ||
        key.starts_with("tokenizer.chat_template") || is_followed || value == Json(false))
      continue;
    return fail(Errc::unsupported,
                "field {} ({}) would change how text is cut, and is not followed", key,
                value.is_null() ? "a list" : dump_json(value));
  }
  return {};
}

template <typename Value>
std::vector<Value> find_array(const std::map<std::string, std::vector<Value>>& arrays,
                              const std::string& key) {
  const auto found = arrays.find(key);
  return found == arrays.end() ? std::vector<Value>() : found->second;
}

Result<text::Definition> read_byte_level(const weights::WeightFile& file,
                                         const std::vector<int64_t>& kinds,
                                         std::vector<std::string> tokens) {
  const std::vector<std::string> merges = find_array(file.text_arrays, "tokenizer.ggml.merges");
  if (merges.empty()) return fail(Errc::bad_input, "tokenizer.ggml.merges is missing");
  text::Definition definition = {.tokens = std::move(tokens),
                                 .model = Json::object({{"type", "BPE"}}),
                                 .decoder = Json::object({{"type", "ByteLevel"}})};
  for (const std::string& line : merges) {
    QB_TRY(auto merge, text::read_merge(line, definition.merges.size()));
    definition.merges.push_back(std::move(merge));
  }
  QB_CHECK(text::use_gguf_pre(file.metadata["tokenizer.ggml.pre"].as_string(), definition));
  for (size_t id = 0; id < kinds.size() && id < definition.tokens.size(); ++id)
    if (kinds[id] == control || kinds[id] == user_defined)
      definition.added_tokens.push_back(
          {.id = static_cast<int32_t>(id), .text = definition.tokens[id]});
  return definition;
}

// SentencePiece has one unknown piece; converters call those that fill a vocabulary up so too.
std::vector<int64_t> with_one_unknown(std::vector<int64_t> kinds, int64_t unknown_id) {
  std::ranges::replace(kinds, int64_t{unknown}, int64_t{unused});
  if (unknown_id >= 0 && unknown_id < std::ssize(kinds))
    kinds[static_cast<size_t>(unknown_id)] = unknown;
  return kinds;
}

Result<text::Definition> read_sentence_piece(const weights::WeightFile& file,
                                             const std::vector<int64_t>& kinds,
                                             std::vector<std::string> tokens) {
  const Json& metadata = file.metadata;
  const text::SentencePieceParts parts = {
      .pieces = std::move(tokens),
      .scores = find_array(file.real_arrays, "tokenizer.ggml.scores"),
      .kinds = with_one_unknown(kinds, metadata["tokenizer.ggml.unknown_token_id"].as_int()),
      .adds_space = metadata["tokenizer.ggml.add_space_prefix"].as_bool(true),
      .removes_spaces = metadata["tokenizer.ggml.remove_extra_whitespaces"].as_bool()};
  if (parts.scores.size() != parts.pieces.size() || parts.kinds.size() != parts.pieces.size())
    return fail(Errc::bad_input, "{} tokens have {} scores and {} types", parts.pieces.size(),
                parts.scores.size(), parts.kinds.size());
  QB_TRY(text::SentencePieceDefinition read,
         text::read_sentence_piece(text::write_sentence_piece(parts)));
  return std::move(read.definition);
}

}  // namespace

Result<text::Definition> tokenizer_of(const weights::WeightFile& file) {
  const std::string& model = file.metadata["tokenizer.ggml.model"].as_string();
  if (model != "gpt2" && model != "llama")
    return fail(Errc::unsupported, "tokenizer.ggml.model is \"{}\", gpt2 and llama are read",
                model);
  const bool is_sentence_piece = model == "llama";
  QB_CHECK(check_fields(file, is_sentence_piece));
  std::vector<std::string> tokens = find_array(file.text_arrays, "tokenizer.ggml.tokens");
  if (tokens.empty()) return fail(Errc::bad_input, "tokenizer.ggml.tokens is missing");
  const auto kinds = find_array(file.integer_arrays, "tokenizer.ggml.token_type");
  return is_sentence_piece ? read_sentence_piece(file, kinds, std::move(tokens))
                           : read_byte_level(file, kinds, std::move(tokens));
}

}  // namespace qb::prepare
