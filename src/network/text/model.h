// What makes ids of a piece of text: the field "model" of a tokenizer.json.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "network/text/definition.h"
#include "network/text/vocabulary.h"

namespace qb::text {

// Appends the ids of a piece that is not empty.
using Model = std::function<Result<void>(std::string_view piece, std::vector<int32_t>& out)>;

Result<Model> make_bpe(const Definition& definition);
Result<Model> make_word_piece(const Definition& definition);
Result<Model> make_word_level(const Definition& definition);
Result<Model> make_unigram(const Definition& definition);
Result<Model> make_sentence_piece(const Definition& definition);

// Error: not one of these kinds, by its name.
Result<void> check_model_type(std::string_view type);

// The one that the definition names. Error: its kind or a field isn't followed, by its name; what
// it is made of contradicts itself.
Result<Model> make_model(const Definition& definition);

// What each of these needs: a model whose `encode` appends.
template <typename Encoder>
Model model_of(Encoder encoder) {
  return
      [shared = std::make_shared<const Encoder>(std::move(encoder))](
          std::string_view piece, std::vector<int32_t>& out) { return shared->encode(piece, out); };
}

// The id of the unknown token. Error: the vocabulary lacks the one that is named.
Result<std::optional<int32_t>> unknown_id_of(const Definition& definition,
                                             const Vocabulary& vocabulary);

// The ids of the bytes that a text has, as tokens such as <0x0A>; empty when one is lacking.
std::optional<std::vector<int32_t>> byte_ids(const Vocabulary& vocabulary, std::string_view text);

}  // namespace qb::text
