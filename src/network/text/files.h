// The files that a tokenizer may come in.
#pragma once

#include <filesystem>

#include "network/text/definition.h"

namespace qb::text {

// The text of a tokenizer's file. Errors: it is too large for one, or a stand-in.
Result<std::string> read_tokenizer_file(const std::filesystem::path& path);

Result<Json> read_json_file(const std::filesystem::path& path);

// tokenizer.json of Hugging Face.
Result<Definition> read_huggingface(const Json& json);

// vocab.txt of BERT: a token a line; `config` is tokenizer_config.json.
Result<Definition> read_word_piece(const std::filesystem::path& path, const Json& config);

// vocab.json, with merges.txt beside it. They say neither how the text is cut nor what is done to
// it before: the class that `config` names does.
Result<Definition> read_vocab_and_merges(const std::filesystem::path& path, const Json& config);

// "left right" lines, as merges.txt and older tokenizer.json have them.
Result<std::pair<std::string, std::string>> read_merge(std::string_view line, size_t rank);

// Sets the token of an id. Error: the id is no id, or has another token already.
Result<void> place_token(std::vector<std::string>& tokens, const std::string& token,
                         const Json& id);

// An entry of added_tokens, or of tokenizer_config.json's added_tokens_decoder.
Result<AddedToken> read_added_token(const Json& object, const Json& id);

}  // namespace qb::text
