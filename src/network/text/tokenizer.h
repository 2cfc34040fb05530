// Tokenizers, equal to Hugging Face `tokenizers` and to SentencePiece on valid UTF-8.
#pragma once

#include <filesystem>
#include <memory>

#include "network/text/definition.h"

namespace qb::text {

class Tokenizer {
 public:
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;

  // The ids of the text alone. Errors: text that is no UTF-8; a pattern that exceeds its match
  // limit.
  Result<std::vector<int32_t>> encode(std::string_view utf8) const;
  // What a network is given for a whole text: with the special tokens around it, truncated and
  // padded, as the file says.
  Result<std::vector<int32_t>> encode_whole(std::string_view utf8) const;
  // The text of the tokens, special ones too; ids outside the vocabulary give nothing.
  std::string decode(std::span<const int32_t> ids) const;
  size_t vocabulary_size() const;

  friend Result<Tokenizer> build_tokenizer(const Definition& definition);

 private:
  struct State;
  explicit Tokenizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Errors: what isn't followed, by its name; what contradicts itself.
Result<Tokenizer> build_tokenizer(const Definition& definition);

// The files of a tokenizer that load_definition reads: a tokenizer.json, a tokenizer.model, a
// vocab.txt, or vocab.json and merges.txt, and the tokenizer_config.json beside them. `path` is the
// first, or a folder that has it. Error: there is none.
Result<std::vector<std::filesystem::path>> find_tokenizer(const std::filesystem::path& path);

Result<Definition> load_definition(const std::filesystem::path& path);

}  // namespace qb::text
