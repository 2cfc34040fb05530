// The files that a tokenizer may come in.
#pragma once

#include <filesystem>

#include "network/text/definition.h"

namespace qb::text {

// The text of a tokenizer's file. Errors: it is too large for one, or a stand-in.
Result<std::string> read_tokenizer_file(const std::filesystem::path& path);

// tokenizer.json of Hugging Face.
Result<Definition> read_huggingface(const Json& json);

// "left right" lines, as merges.txt and older tokenizer.json have them.
Result<std::pair<std::string, std::string>> read_merge(std::string_view line, size_t rank);

// Sets the token of an id. Error: the id is no id, or has another token already.
Result<void> place_token(std::vector<std::string>& tokens, const std::string& token,
                         const Json& id);

// An entry of added_tokens, or of tokenizer_config.json's added_tokens_decoder.
Result<AddedToken> read_added_token(const Json& object, const Json& id);

}  // namespace qb::text
