// Reads tokenizer.json.
#include "base/file.h"
#include "base/stand_in.h"
#include "network/text/fields.h"
#include "network/text/files.h"
#include "network/text/model.h"

namespace qb::text {
namespace {

constexpr int64_t max_token_id = 2'000'000;

// The model's fields but those that are lists of the vocabulary's length.
Json settings_of(const Json& model) {
  Json settings = Json::object({});
  for (const auto& [name, value] : model.as_object())
    if (name != "vocab" && name != "merges") settings.set(name, value);
  return settings;
}

// Files of before the field "type" say it by what they have.
std::string type_of(const Json& model) {
  if (model["type"].is_string()) return model["type"].as_string();
  return model["merges"].is_array() ? "BPE" : "WordPiece";
}

// [["a", -1.5], …], by id.
Result<void> add_scored_tokens(const Json& vocab, Definition& definition) {
  for (const Json& entry : vocab.as_array()) {
    const Json::Array& pair = entry.as_array();
    if (pair.size() != 2 || !pair[0].is_string() || !pair[1].is_number())
      return fail(Errc::bad_input, "model: vocab has {}, which is no token and score",
                  shown(entry));
    definition.tokens.push_back(pair[0].as_string());
    definition.scores.push_back(pair[1].as_double());
  }
  return {};
}

Result<void> add_merges(const Json& merges, Definition& definition) {
  if (!merges.is_array() && !merges.is_null())
    return fail(Errc::bad_input, "model: merges {} is not a list", shown(merges));
  for (const Json& merge : merges.as_array()) {
    const Json::Array& pair = merge.as_array();
    const bool is_pair = pair.size() == 2 && pair[0].is_string() && pair[1].is_string();
    if (!is_pair && !merge.is_string())
      return fail(Errc::bad_input, "model: merge {} {} is no pair", definition.merges.size(),
                  shown(merge));
    if (is_pair) {
      definition.merges.emplace_back(pair[0].as_string(), pair[1].as_string());
      continue;
    }
    QB_TRY(auto read, read_merge(merge.as_string(), definition.merges.size()));
    definition.merges.push_back(std::move(read));
  }
  return {};
}

Result<void> add_model(const Json& model, Definition& definition) {
  definition.model = settings_of(model);
  definition.model.set("type", type_of(model));
  QB_CHECK(check_model_type(type_of(model)));
  if (!is_neutral(model["dropout"]))
    return fail(Errc::unsupported, "model: dropout {} is not supported", shown(model["dropout"]));
  if (!model["vocab"].is_object() && !model["vocab"].is_array())
    return fail(Errc::bad_input, "model: vocab {} is neither an object nor a list",
                shown(model["vocab"]));
  for (const auto& [token, id] : model["vocab"].as_object())
    QB_CHECK(place_token(definition.tokens, token, id));
  QB_CHECK(add_scored_tokens(model["vocab"], definition));
  return add_merges(model["merges"], definition);
}

}  // namespace

Result<std::string> read_tokenizer_file(const std::filesystem::path& path) {
  constexpr uintmax_t bytes_max = uintmax_t{512} << 20;
  std::error_code error;
  if (const auto bytes = std::filesystem::file_size(path, error); !error && bytes > bytes_max)
    return fail(Errc::bad_input, "{} has {} bytes, too many for a tokenizer", path.string(), bytes);
  QB_TRY(std::string text, read_file(path));
  QB_CHECK(with_context(check_no_stand_in(std::as_bytes(std::span(text))), path.string()));
  return text;
}

Result<Json> read_json_file(const std::filesystem::path& path) {
  QB_TRY(const std::string text, read_tokenizer_file(path));
  return with_context(parse_json(text), path.string());
}

Result<std::pair<std::string, std::string>> read_merge(std::string_view line, size_t rank) {
  const size_t space = line.find(' ');
  if (space == 0 || space == std::string_view::npos || space + 1 == line.size() ||
      line.find(' ', space + 1) != std::string_view::npos)
    return fail(Errc::bad_input, "merge {} \"{}\" is no pair", rank, line);
  return std::pair(std::string(line.substr(0, space)), std::string(line.substr(space + 1)));
}

Result<void> place_token(std::vector<std::string>& tokens, const std::string& token,
                         const Json& id) {
  const int64_t place = id.as_int(-1);
  if (!id.is_int() || place < 0 || place > max_token_id)
    return fail(Errc::bad_input, "token \"{}\" has id {}", token, shown(id));
  if (static_cast<size_t>(place) >= tokens.size()) tokens.resize(static_cast<size_t>(place) + 1);
  std::string& text = tokens[static_cast<size_t>(place)];
  if (!text.empty() && text != token)
    return fail(Errc::bad_input, "tokens \"{}\" and \"{}\" both have id {}", text, token, place);
  text = token;
  return {};
}

Result<AddedToken> read_added_token(const Json& object, const Json& id) {
  const std::string& text = object["content"].as_string();
  const Field known[] = {integer("id"),  string("content"),  flag("single_word"), flag("lstrip"),
                         flag("rstrip"), flag("normalized"), flag("special"),     string("__type")};
  QB_CHECK(check_fields(object, fmt::format("added token \"{}\": ", text), known));
  if (!id.is_int() || id.as_int() < 0 || id.as_int() > max_token_id)
    return fail(Errc::bad_input, "token \"{}\" has id {}", text, shown(id));
  return AddedToken{.id = static_cast<int32_t>(id.as_int()),
                    .text = text,
                    .is_single_word = object["single_word"].as_bool(),
                    .takes_left_space = object["lstrip"].as_bool(),
                    .takes_right_space = object["rstrip"].as_bool(),
                    .is_normalized = object["normalized"].as_bool(!object["special"].as_bool())};
}

Result<Definition> read_huggingface(const Json& json) {
  const Field known[] = {string("version"),    table("truncation"),     table("padding"),
                         list("added_tokens"), table("normalizer"),     table("pre_tokenizer"),
                         table("decoder"),     table("post_processor"), table("model")};
  QB_CHECK(check_fields(json, "", known));
  if (!json["model"].is_object()) return fail(Errc::bad_input, "there is no model");
  Definition definition = {.normalizer = json["normalizer"],
                           .pre_tokenizer = json["pre_tokenizer"],
                           .post_processor = json["post_processor"],
                           .decoder = json["decoder"],
                           .truncation = json["truncation"],
                           .padding = json["padding"]};
  QB_CHECK(add_model(json["model"], definition));
  for (const Json& added : json["added_tokens"].as_array()) {
    QB_TRY(AddedToken token, read_added_token(added, added["id"]));
    definition.added_tokens.push_back(std::move(token));
  }
  return definition;
}

}  // namespace qb::text
