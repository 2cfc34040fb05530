#include "network/text/model.h"

#include "network/text/fields.h"

namespace qb::text {

namespace {

struct Row {
  std::string_view type;
  Result<Model> (*make)(const Definition&);
};
constexpr Row rows[] = {{"BPE", make_bpe},
                        {"WordPiece", make_word_piece},
                        {"WordLevel", make_word_level},
                        {"Unigram", make_unigram},
                        {"SentencePiece", make_sentence_piece}};

Result<Row> find_row(std::string_view type) {
  std::string known;
  for (const Row& row : rows) {
    if (row.type == type) return row;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", row.type);
  }
  return fail(Errc::unsupported, "model \"{}\" is not one of {}", type, known);
}

}  // namespace

Result<void> check_model_type(std::string_view type) {
  return find_row(type).map([](const Row&) {});
}

Result<Model> make_model(const Definition& definition) {
  QB_TRY(const Row row, find_row(definition.model["type"].as_string()));
  return row.make(definition);
}

Result<std::optional<int32_t>> unknown_id_of(const Definition& definition,
                                             const Vocabulary& vocabulary) {
  const Json& token = definition.model["unk_token"];
  if (is_neutral(token)) return std::optional<int32_t>();
  const auto id = vocabulary.find(token.as_string());
  if (!id)
    return fail(Errc::bad_input, "model: unk_token {} is not of the vocabulary", shown(token));
  return id;
}

std::optional<std::vector<int32_t>> byte_ids(const Vocabulary& vocabulary, std::string_view text) {
  std::vector<int32_t> ids;
  for (const char byte : text) {
    const auto id = vocabulary.find(fmt::format("<0x{:02X}>", static_cast<uint8_t>(byte)));
    if (!id) return std::nullopt;
    ids.push_back(*id);
  }
  return ids;
}

}  // namespace qb::text
