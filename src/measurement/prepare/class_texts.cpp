#include "measurement/prepare/class_texts.h"

#include <algorithm>
#include <optional>

#include "base/hash.h"
#include "base/number.h"
#include "base/rng.h"
#include "measurement/prepare/data_place.h"

namespace qb::prepare {
namespace {

// As names are compared: small letters, spaces for underscores.
std::string plain(std::string_view name) {
  std::string text;
  for (const char c : name)
    text += c == '_' ? ' ' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  const size_t first = text.find_first_not_of(' ');
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(' ') + 1 - first);
}

// The class that is called so, or one of whose names it is; the first.
std::optional<int64_t> find_class(std::string_view name, const std::vector<std::string>& classes) {
  const std::string wanted = plain(name);
  for (size_t i = 0; i < classes.size(); ++i)
    if (plain(classes[i]) == wanted) return static_cast<int64_t>(i);
  for (size_t i = 0; i < classes.size(); ++i) {
    std::string_view rest = classes[i];
    while (!rest.empty()) {
      const size_t end = std::min(rest.find(','), rest.size());
      if (plain(rest.substr(0, end)) == wanted) return static_cast<int64_t>(i);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return {};
}

using Find = std::optional<int64_t> (*)(std::string_view, const std::vector<std::string>&);

std::optional<int64_t> find_number(std::string_view name, const std::vector<std::string>&) {
  return parse_number<int64_t>(name);
}

// How many of the classes are found, and where.
std::pair<size_t, std::vector<int64_t>> find_all(const pictures::PictureSet& set,
                                                 const models::Model& model, Find find) {
  std::vector<int64_t> ids;
  size_t found_count = 0;
  for (const std::string& name : set.class_names) {
    const auto id = find(name, model.class_names);
    found_count += id ? 1 : 0;
    ids.push_back(id.value_or(-1));
  }
  return {found_count, std::move(ids)};
}

tl::unexpected<Error> unknown_class(std::string_view name, const models::Model& model,
                                    int64_t class_count) {
  return fail(Errc::bad_input,
              "\"{}\" is no class of {}: classes are called by their numbers, 0 to {}{}", name,
              model.name, class_count - 1,
              model.class_names.empty() ? "" : ", or by the names in its files");
}

constexpr uint64_t text_seed = 20261125;
constexpr int64_t made_up_tokens = 8;

std::vector<int32_t> made_up_text(Rng& rng, int64_t end_token) {
  std::vector<int32_t> ids;
  for (int64_t i = 1; i < made_up_tokens; ++i)
    ids.push_back(static_cast<int32_t>(rng.below(static_cast<uint64_t>(end_token))));
  ids.push_back(static_cast<int32_t>(end_token));
  return ids;
}

Result<std::vector<std::vector<int32_t>>> encode(const ModelSource& source,
                                                 const std::vector<std::string>& names) {
  std::vector<std::vector<int32_t>> texts;
  if (source.weights == "synthetic") {
    Rng rng(text_seed);
    for (size_t i = 0; i < names.size(); ++i)
      texts.push_back(made_up_text(rng, source.model.end_token));
    return texts;
  }
  QB_TRY(const text::Tokenizer tokenizer, sentence_tokenizer(source, source.model.context_tokens));
  for (const std::string& name : names) {
    std::string words = name;
    std::ranges::replace(words, '_', ' ');
    QB_TRY(std::vector<int32_t> ids,
           tokenizer.encode_whole(fmt::format("a photo of a {}.", words)));
    texts.push_back(std::move(ids));
  }
  return texts;
}

// Where the token stands whose vector is the text's.
Result<int64_t> end_of(const std::vector<int32_t>& ids, int64_t end_token) {
  constexpr int64_t of_older_files = 2;
  const auto end = end_token == of_older_files ? std::ranges::max_element(ids)
                                               : std::ranges::find(ids, end_token);
  if (end != ids.end()) return end - ids.begin();
  return fail(Errc::bad_input,
              "the tokenizer ends no text with token {}, which config.json says ends all "
              "(eos_token_id)",
              end_token);
}

}  // namespace

Result<std::vector<int64_t>> class_ids(const pictures::PictureSet& set, const models::Model& model,
                                       int64_t class_count) {
  auto [found_count, ids] = find_all(set, model, find_number);
  if (found_count < ids.size()) std::tie(found_count, ids) = find_all(set, model, find_class);
  if (found_count == 0 && set.is_folder && std::ssize(ids) == class_count) {
    for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int64_t>(i);
    return ids;
  }
  for (size_t i = 0; i < ids.size(); ++i)
    if (ids[i] < 0 || ids[i] >= class_count)
      return unknown_class(set.class_names[i], model, class_count);
  return ids;
}

std::string ClassTexts::hash() const {
  Hasher hasher;
  hasher.update(std::as_bytes(std::span(token_shape)));
  hasher.update(std::as_bytes(std::span(tokens)));
  hasher.update(std::as_bytes(std::span(positions)));
  return hasher.hex();
}

Result<ClassTexts> make_class_texts(const ModelSource& source,
                                    const std::vector<std::string>& names) {
  QB_TRY(const std::vector<std::vector<int32_t>> all, encode(source, names));
  size_t width = 1;
  for (const auto& ids : all) width = std::max(width, ids.size());
  ClassTexts texts = {.token_shape = {std::ssize(all), static_cast<int64_t>(width)},
                      .position_shape = {std::ssize(all)}};
  texts.tokens.resize(all.size() * width);
  for (size_t i = 0; i < all.size(); ++i) {
    std::ranges::copy(all[i], texts.tokens.begin() + static_cast<long>(i * width));
    QB_TRY(const int64_t end, end_of(all[i], source.model.end_token));
    texts.positions.push_back(end);
  }
  return texts;
}

}  // namespace qb::prepare
