// WordPiece (BERT): the longest token that a word begins with, again and again. And WordLevel.
#include <algorithm>

#include "network/text/fields.h"
#include "network/text/model.h"
#include "network/text/utf8.h"

namespace qb::text {
namespace {

class WordPiece {
 public:
  WordPiece(const Definition& definition, int32_t unknown)
      : vocabulary_(definition.tokens),
        unknown_(unknown),
        prefix_(definition.model["continuing_subword_prefix"].as_string()),
        characters_max_(definition.model["max_input_chars_per_word"].as_int(100)) {
    if (definition.model["continuing_subword_prefix"].is_null()) prefix_ = "##";
    for (const std::string& token : vocabulary_.tokens())
      longest_bytes_ = std::max(longest_bytes_, token.size());
  }

  Result<void> encode(std::string_view piece, std::vector<int32_t>& out) const {
    const auto is_start = [](char c) { return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u; };
    std::vector<int32_t> ids;
    bool is_known = std::ranges::count_if(piece, is_start) <= characters_max_;
    for (size_t start = 0; is_known && start < piece.size();) {
      const auto found = longest_at(piece, start);
      is_known = found.has_value();
      if (!found) break;
      ids.push_back(found->first);
      start = found->second;
    }
    if (!is_known) ids = {unknown_};
    out.insert(out.end(), ids.begin(), ids.end());
    return {};
  }

 private:
  // Its id, and where it ends.
  std::optional<std::pair<int32_t, size_t>> longest_at(std::string_view piece, size_t start) const {
    const std::string_view prefix = start > 0 ? std::string_view(prefix_) : "";
    size_t end = std::min(piece.size(), start + longest_bytes_);
    for (; end > start; --end) {
      if (end < piece.size() && (static_cast<unsigned char>(piece[end]) & 0xc0u) == 0x80u) continue;
      const std::string token = std::string(prefix) + std::string(piece.substr(start, end - start));
      if (const auto id = vocabulary_.find(token)) return std::pair{*id, end};
    }
    return std::nullopt;
  }

  Vocabulary vocabulary_;
  int32_t unknown_;
  std::string prefix_;
  int64_t characters_max_;
  size_t longest_bytes_ = 0;
};

class WordLevel {
 public:
  WordLevel(const Definition& definition, int32_t unknown)
      : vocabulary_(definition.tokens), unknown_(unknown) {}

  Result<void> encode(std::string_view piece, std::vector<int32_t>& out) const {
    out.push_back(vocabulary_.find(piece).value_or(unknown_));
    return {};
  }

 private:
  Vocabulary vocabulary_;
  int32_t unknown_;
};

template <typename Words>
Result<Model> make_words(const Definition& definition, std::span<const Field> known) {
  QB_CHECK(check_fields(definition.model, "model: ", known));
  QB_TRY(const auto unknown, unknown_id_of(definition, Vocabulary(definition.tokens)));
  if (!unknown) return fail(Errc::bad_input, "model: unk_token is missing");
  return model_of(Words(definition, *unknown));
}

}  // namespace

Result<Model> make_word_piece(const Definition& definition) {
  const Field known[] = {string("type"), string("unk_token"), string("continuing_subword_prefix"),
                         integer("max_input_chars_per_word")};
  return make_words<WordPiece>(definition, known);
}

Result<Model> make_word_level(const Definition& definition) {
  const Field known[] = {string("type"), string("unk_token")};
  return make_words<WordLevel>(definition, known);
}

}  // namespace qb::text
