// What makes ids of a piece of text: the field "model" of a tokenizer.json.
#pragma once

#include <memory>

#include "network/text/definition.h"
#include "network/text/vocabulary.h"

namespace qb::text {

class Model {
 public:
  virtual ~Model() = default;
  // Appends the ids of a piece that is not empty.
  virtual Result<void> encode(std::string_view piece, std::vector<int32_t>& out) const = 0;
  // The text of ids, where the model knows it itself.
  virtual std::optional<std::string> decode(std::span<const int32_t>) const { return std::nullopt; }
};

using ModelResult = Result<std::unique_ptr<const Model>>;

ModelResult make_bpe(const Definition& definition);
ModelResult make_word_piece(const Definition& definition);
ModelResult make_word_level(const Definition& definition);
ModelResult make_unigram(const Definition& definition);
ModelResult make_sentence_piece(const Definition& definition);

// The one that the definition names. Error: its kind or a field isn't followed, by its name; what
// it is made of contradicts itself.
ModelResult make_model(const Definition& definition);

// The id of the unknown token. Error: the vocabulary lacks the one that is named.
Result<std::optional<int32_t>> unknown_id_of(const Definition& definition,
                                             const Vocabulary& vocabulary);

// The ids of the bytes that a text has, as tokens such as <0x0A>; empty when one is lacking.
std::optional<std::vector<int32_t>> byte_ids(const Vocabulary& vocabulary, std::string_view text);

}  // namespace qb::text
