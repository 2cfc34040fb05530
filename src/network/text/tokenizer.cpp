#include "network/text/tokenizer.h"

#include <algorithm>

#include "network/text/added_tokens.h"
#include "network/text/decoders.h"
#include "network/text/model.h"
#include "network/text/normalizers.h"
#include "network/text/post_processors.h"
#include "network/text/pre_tokenizers.h"
#include "network/text/utf8.h"

namespace qb::text {

struct Tokenizer::State {
  std::vector<std::string> texts;  // of all tokens, by id
  AddedTokens raw, normalized;     // found in the text as it is, and once it is normalized
  std::vector<Normalizer> normalizers;
  std::vector<PreTokenizer> pre_tokenizers;
  Model model;
  PostProcessor post_processor;
  std::vector<Decoder> decoders;

  Result<void> encode_plain(std::string_view text, bool is_first, std::vector<int32_t>& out) const;
  Result<void> encode_between(std::string_view text, bool is_first,
                              std::vector<int32_t>& out) const;
};

// What lies between added tokens.
Result<void> Tokenizer::State::encode_plain(std::string_view text, bool is_first,
                                            std::vector<int32_t>& out) const {
  std::vector<Piece> pieces = {{std::string(text), is_first}};
  for (const PreTokenizer& step : pre_tokenizers) {
    auto cut = step(std::move(pieces));
    if (!cut) return tl::unexpected(std::move(cut).error());
    pieces = *std::move(cut);
  }
  for (const Piece& piece : pieces) QB_CHECK(model(piece.text, out));
  return {};
}

Result<void> Tokenizer::State::encode_between(std::string_view text, bool is_first,
                                              std::vector<int32_t>& out) const {
  QB_TRY(const std::string changed, normalize(normalizers, std::string(text)));
  for (const Found& found : normalized.find(changed)) {
    if (found.id >= 0) {
      out.push_back(found.id);
      continue;
    }
    const bool is_at_start = is_first && found.text.data() == changed.data();
    QB_CHECK(encode_plain(found.text, is_at_start, out));
  }
  return {};
}

Tokenizer::Tokenizer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

size_t Tokenizer::vocabulary_size() const { return state_->texts.size(); }

Result<std::vector<int32_t>> Tokenizer::encode(std::string_view utf8) const {
  if (const auto offset = find_invalid_utf8(utf8))
    return fail(Errc::bad_input, "the text is no UTF-8 at byte {}", *offset);
  std::vector<int32_t> out;
  for (const Found& found : state_->raw.find(utf8)) {
    if (found.id >= 0)
      out.push_back(found.id);
    else
      QB_CHECK(state_->encode_between(found.text, found.text.data() == utf8.data(), out));
  }
  return out;
}

Result<std::vector<int32_t>> Tokenizer::encode_whole(std::string_view utf8) const {
  QB_TRY(std::vector<int32_t> ids, encode(utf8));
  return state_->post_processor.apply(std::move(ids));
}

std::string Tokenizer::decode(std::span<const int32_t> ids) const {
  std::vector<std::string> tokens;
  for (const int32_t id : ids)
    if (id >= 0 && static_cast<size_t>(id) < state_->texts.size())
      if (const std::string& token = state_->texts[static_cast<size_t>(id)]; !token.empty())
        tokens.push_back(token);
  return join_tokens(state_->decoders, std::move(tokens));
}

namespace {

constexpr size_t vocabulary_max = 2'000'000;

// An added token may repeat one of the model's; two different ones may not share an id.
Result<void> place_added(const AddedToken& token, std::vector<std::string>& texts) {
  if (token.text.empty()) return fail(Errc::bad_input, "added token {} is empty", token.id);
  const auto id = static_cast<size_t>(token.id);
  if (token.id < 0 || id >= vocabulary_max)
    return fail(Errc::bad_input, "token \"{}\" has id {}", token.text, token.id);
  if (id >= texts.size()) texts.resize(id + 1);
  if (!texts[id].empty() && texts[id] != token.text)
    return fail(Errc::bad_input, "tokens \"{}\" and \"{}\" both have id {}", texts[id], token.text,
                id);
  texts[id] = token.text;
  return {};
}

Result<std::vector<std::string>> all_texts(const Definition& definition) {
  if (definition.tokens.size() > vocabulary_max)
    return fail(Errc::bad_input, "a vocabulary of {} tokens; {} at most are followed",
                definition.tokens.size(), vocabulary_max);
  std::vector<std::string> texts = definition.tokens;
  for (const AddedToken& token : definition.added_tokens) QB_CHECK(place_added(token, texts));
  return texts;
}

Result<void> check_ids(const PostProcessor& made, size_t count) {
  std::vector<int32_t> ids = made.before;
  ids.insert(ids.end(), made.after.begin(), made.after.end());
  ids.push_back(made.padding);
  for (const int32_t id : ids)
    if (static_cast<size_t>(id) >= count)
      return fail(Errc::bad_input, "special token {} is outside the vocabulary of {}", id, count);
  return {};
}

}  // namespace

Result<Tokenizer> build_tokenizer(const Definition& definition) {
  auto state = std::make_unique<Tokenizer::State>();
  QB_TRY(state->texts, all_texts(definition));
  QB_TRY(state->normalizers, make_normalizers(definition.normalizer));
  QB_TRY(state->pre_tokenizers, make_pre_tokenizers(definition.pre_tokenizer));
  QB_TRY(state->model, make_model(definition));
  QB_TRY(state->post_processor,
         make_post_processor(definition.post_processor, definition.truncation, definition.padding));
  QB_CHECK(check_ids(state->post_processor, state->texts.size()));
  QB_TRY(state->decoders, make_decoders(definition.decoder));
  std::vector<AddedToken> raw, normalized;
  for (AddedToken token : definition.added_tokens) {
    if (token.is_normalized) {
      QB_TRY(token.text, normalize(state->normalizers, token.text));
    }
    (token.is_normalized ? normalized : raw).push_back(std::move(token));
  }
  state->raw = AddedTokens(std::move(raw));
  state->normalized = AddedTokens(std::move(normalized));
  return Tokenizer(std::move(state));
}

}  // namespace qb::text
