// Reads tokenizer.json.
#include <algorithm>
#include <functional>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/stand_in.h"
#include "network/text/tokenizer.h"

namespace qb::text {
namespace {

constexpr int64_t max_token_id = 2'000'000;

// As good as absent: null, false, "" or 0.
bool is_neutral(const Json& value) {
  return value.is_null() || value == Json(false) || value == Json("") || value.as_double(1) == 0;
}

// Fields that change encoding in ways we do not follow.
Result<void> refuse_fields(const Json& object, std::initializer_list<std::string_view> fields) {
  for (const std::string_view field : fields)
    if (!is_neutral(object[field]))
      return fail(Errc::unsupported, "{} {} is not supported", field, dump_json(object[field]));
  return {};
}

// What we know of an object's fields, followed or without effect on ids; another may be one that
// changes them.
Result<void> check_fields(const Json& object, std::string_view what,
                          std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : object.as_object())
    if (std::ranges::find(known, name) == known.end() && !is_neutral(value))
      return fail(Errc::unsupported, "{}{} {} is not supported", what, name, dump_json(value));
  return {};
}

// Byte-level without its own pattern splits nothing.
Result<void> add_patterns(const Json& pre_tokenizer, std::vector<std::string>& patterns) {
  const std::string& type = pre_tokenizer["type"].as_string();
  if (type == "Sequence") {
    QB_CHECK(check_fields(pre_tokenizer, "Sequence: ", {"type", "pretokenizers"}));
    for (const Json& inner : pre_tokenizer["pretokenizers"].as_array())
      QB_CHECK(add_patterns(inner, patterns));
    return {};
  }
  if (type == "ByteLevel") {
    QB_CHECK(check_fields(
        pre_tokenizer, "ByteLevel: ", {"type", "add_prefix_space", "trim_offsets", "use_regex"}));
    if (pre_tokenizer["add_prefix_space"].as_bool())
      return fail(Errc::unsupported, "add_prefix_space is not supported");
    if (!pre_tokenizer["use_regex"].as_bool(true)) return {};
    QB_TRY(const std::vector<std::string> gpt2, split_patterns_of("gpt-2"));
    patterns.push_back(gpt2[0]);
    return {};
  }
  if (type == "Digits") {
    QB_CHECK(check_fields(pre_tokenizer, "Digits: ", {"type", "individual_digits"}));
    patterns.emplace_back(pre_tokenizer["individual_digits"].as_bool() ? "\\p{N}" : "\\p{N}+");
    return {};
  }
  if (type == "Split" && pre_tokenizer["behavior"].as_string() == "Isolated" &&
      pre_tokenizer["pattern"]["Regex"].is_string()) {
    QB_CHECK(check_fields(pre_tokenizer, "Split: ", {"type", "pattern", "behavior", "invert"}));
    QB_CHECK(refuse_fields(pre_tokenizer, {"invert"}));
    patterns.push_back(pre_tokenizer["pattern"]["Regex"].as_string());
    return {};
  }
  return fail(Errc::unsupported, "pre-tokenizer {} is not supported", dump_json(pre_tokenizer));
}

// Bytes are made of the text once, by the last of all: what cut it after that would see other
// characters, and without it tokens are no bytes.
Result<void> check_byte_level(const Json& pre_tokenizer) {
  const auto is_byte_level = [](const Json& one) { return one["type"].as_string() == "ByteLevel"; };
  std::vector<Json> flat;
  const std::function<void(const Json&)> flatten = [&](const Json& one) {
    if (one["type"].as_string() != "Sequence") return flat.push_back(one);
    for (const Json& inner : one["pretokenizers"].as_array()) flatten(inner);
  };
  flatten(pre_tokenizer);
  if (std::ranges::count_if(flat, is_byte_level) == 1 && is_byte_level(flat.back())) return {};
  return fail(Errc::unsupported,
              "pre_tokenizer {} is not supported: its last must be ByteLevel, and the only one",
              dump_json(pre_tokenizer));
}

// An added token may repeat one of the vocabulary; two different tokens may not share an id.
Result<void> place_token(BpeDefinition& definition, const std::string& token, int64_t id) {
  if (id < 0 || id > max_token_id)
    return fail(Errc::bad_input, "token \"{}\" has id {}", token, id);
  if (static_cast<size_t>(id) >= definition.tokens.size())
    definition.tokens.resize(static_cast<size_t>(id) + 1);
  std::string& place = definition.tokens[static_cast<size_t>(id)];
  if (!place.empty() && place != token)
    return fail(Errc::bad_input, "tokens \"{}\" and \"{}\" both have id {}", place, token, id);
  place = token;
  return {};
}

Result<void> add_model(const Json& model, BpeDefinition& definition) {
  if (model["type"].as_string() != "BPE")
    return fail(Errc::unsupported, "model \"{}\" is not BPE", model["type"].as_string());
  QB_CHECK(refuse_fields(
      model, {"end_of_word_suffix", "continuing_subword_prefix", "byte_fallback", "dropout"}));
  QB_CHECK(check_fields(
      model, "model: ", {"type", "vocab", "merges", "ignore_merges", "unk_token", "fuse_unk"}));
  definition.ignore_merges = model["ignore_merges"].as_bool();
  for (const auto& [token, id] : model["vocab"].as_object())
    QB_CHECK(place_token(definition, token, id.as_int(-1)));
  for (const Json& merge : model["merges"].as_array()) {
    const auto& pair = merge.as_array();
    definition.merges.push_back(pair.size() == 2
                                    ? fmt::format("{} {}", pair[0].as_string(), pair[1].as_string())
                                    : merge.as_string());
  }
  return {};
}

Result<void> add_special_token(const Json& added, BpeDefinition& definition) {
  const std::string& token = added["content"].as_string();
  QB_CHECK(with_context(refuse_fields(added, {"lstrip", "rstrip", "single_word"}),
                        fmt::format("added token \"{}\"", token)));
  // Without a normalizer "normalized" only says when the token is looked for.
  QB_CHECK(
      check_fields(added, fmt::format("added token \"{}\": ", token),
                   {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"}));
  QB_CHECK(place_token(definition, token, added["id"].as_int(-1)));
  (added["normalized"].as_bool() ? definition.added_tokens : definition.special_tokens)
      .push_back(static_cast<int32_t>(added["id"].as_int()));
  return {};
}

// A byte that no token has is left away; with an unknown token it would become that.
Result<void> check_unknown_token(const Json& model, const BpeDefinition& definition) {
  if (is_neutral(model["unk_token"])) return {};
  int64_t byte_count = 0;
  for (const std::string& token : definition.tokens) byte_count += is_one_byte(token) ? 1 : 0;
  if (byte_count >= 256) return {};
  return fail(Errc::unsupported,
              "unk_token {} is not supported where the vocabulary lacks bytes ({} of 256)",
              dump_json(model["unk_token"]), byte_count);
}

Result<BpeDefinition> read_definition(const Json& json) {
  BpeDefinition definition;
  // A post-processor adds tokens only where they are asked for, a decoder is for the way back.
  QB_CHECK(check_fields(json, "",
                        {"version", "added_tokens", "normalizer", "pre_tokenizer", "post_processor",
                         "decoder", "model"}));
  QB_CHECK(add_model(json["model"], definition));
  if (!json["normalizer"].is_null())
    return fail(Errc::unsupported, "normalizer {} is not supported", dump_json(json["normalizer"]));
  for (const Json& added : json["added_tokens"].as_array())
    QB_CHECK(add_special_token(added, definition));
  QB_CHECK(add_patterns(json["pre_tokenizer"], definition.split_patterns));
  QB_CHECK(check_byte_level(json["pre_tokenizer"]));
  QB_CHECK(check_unknown_token(json["model"], definition));
  return definition;
}

}  // namespace

Result<BpeDefinition> load_huggingface_tokenizer(const std::filesystem::path& path) {
  QB_TRY(const std::string text, read_file(path));
  QB_CHECK(with_context(check_no_stand_in(std::as_bytes(std::span(text))), path.string()));
  QB_TRY(const Json json, with_context(parse_json(text), path.string()));
  return with_context(read_definition(json), path.string());
}

}  // namespace qb::text
