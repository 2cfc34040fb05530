#include "measurement/prepare/gguf_tokenizer.h"

#include <algorithm>
#include <iterator>

namespace qb::prepare {
namespace {

// Of a byte-level tokenizer: what is read, or says nothing of how text is cut. (qbench's windows of
// text begin anywhere, so a token for the begin of a text is never put before them.)
constexpr std::string_view known_tokenizer_fields[] = {
    "tokenizer.ggml.model",         "tokenizer.ggml.pre",
    "tokenizer.ggml.tokens",        "tokenizer.ggml.merges",
    "tokenizer.ggml.token_type",    "tokenizer.ggml.scores",
    "tokenizer.ggml.add_bos_token", "tokenizer.ggml.add_eos_token",
    "tokenizer.ggml.add_sep_token", "tokenizer.ggml.token_type_count",
    "tokenizer.huggingface.json"};

Result<void> check_tokenizer_fields(const weights::WeightFile& file) {
  for (const std::string& key : file.keys()) {
    if (!key.starts_with("tokenizer.") || key.ends_with("_token_id") ||
        key.starts_with("tokenizer.chat_template") ||
        std::ranges::find(known_tokenizer_fields, key) != std::end(known_tokenizer_fields))
      continue;
    const Json& value = file.metadata[key];
    if (value == Json(false)) continue;  // a space before the text, spaces taken away, …
    return fail(Errc::unsupported,
                "field {} ({}) would change how text is cut, and is not followed", key,
                value.is_null() ? "a list" : dump_json(value));
  }
  return {};
}

}  // namespace

Result<text::BpeDefinition> tokenizer_of(const weights::WeightFile& file) {
  QB_CHECK(check_tokenizer_fields(file));
  if (file.metadata["tokenizer.ggml.model"].as_string() != "gpt2")
    return fail(Errc::unsupported, "tokenizer.ggml.model is \"{}\", gpt2 is read",
                file.metadata["tokenizer.ggml.model"].as_string());
  const auto tokens = file.text_arrays.find("tokenizer.ggml.tokens");
  const auto merges = file.text_arrays.find("tokenizer.ggml.merges");
  if (tokens == file.text_arrays.end() || merges == file.text_arrays.end())
    return fail(Errc::bad_input, "tokenizer.ggml.tokens or tokenizer.ggml.merges is missing");
  text::BpeDefinition definition = {.tokens = tokens->second, .merges = merges->second};
  QB_TRY(definition.split_patterns,
         text::split_patterns_of(file.metadata["tokenizer.ggml.pre"].as_string()));
  if (const auto types = file.integer_arrays.find("tokenizer.ggml.token_type");
      types != file.integer_arrays.end())
    for (size_t id = 0; id < types->second.size(); ++id)
      if (types->second[id] == 3 || types->second[id] == 4)  // control, user-defined
        definition.special_tokens.push_back(static_cast<int32_t>(id));
  return definition;
}

}  // namespace qb::prepare
