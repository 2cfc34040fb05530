#include "measurement/prepare/picture_data.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/hash.h"
#include "base/number.h"
#include "base/printable.h"
#include "base/rng.h"
#include "compression/bundle/tensor_file.h"
#include "measurement/prepare/class_texts.h"
#include "network/pictures/labelled.h"
#include "network/pictures/prepare.h"
#include "network/pictures/user_pictures.h"

namespace qb::prepare {
namespace fs = std::filesystem;
namespace {

constexpr double white_margin = 1.15;

Result<void> load_picture_into(const pictures::LabelledPicture& labelled,
                               const models::Preprocessing& preprocessing, std::span<float> out) {
  QB_TRY(const pictures::Picture picture, pictures::load_picture(labelled.path));
  const pictures::Picture rgb = labelled.is_cut_out && picture.channel_count == 4
                                    ? pictures::composite_on_white_square(picture, white_margin)
                                    : pictures::to_rgb(picture);
  QB_TRY(const pictures::Picture fitted,
         with_context(pictures::fit(rgb, preprocessing), labelled.path.string()));
  pictures::to_planar_f32(fitted, preprocessing, out);
  return {};
}

Result<void> save_pictures(std::span<const pictures::LabelledPicture> pictures,
                           std::string_view name, const models::Preprocessing& preprocessing,
                           const fs::path& file, const ClassTexts* texts = nullptr) {
  const int64_t size_px = preprocessing.size_px();
  const auto count = static_cast<int64_t>(pictures.size());
  const auto picture_size = static_cast<size_t>(3 * size_px * size_px);
  size_t label_count = 1;
  for (const auto& picture : pictures) label_count = std::max(label_count, picture.labels.size());
  std::vector<float> images(pictures.size() * picture_size);
  std::vector<int64_t> labels(pictures.size() * label_count, -1);
  for (size_t i = 0; i < pictures.size(); ++i) {
    QB_CHECK(load_picture_into(pictures[i], preprocessing,
                               std::span(images).subspan(i * picture_size, picture_size)));
    std::ranges::copy(pictures[i].labels, labels.begin() + static_cast<long>(i * label_count));
  }
  const int64_t image_shape[] = {count, 3, size_px, size_px};
  const int64_t label_shape[] = {count, static_cast<int64_t>(label_count)};
  std::vector<bundle::NamedTensor> tensors = {
      {"images", {ElementType::f32, image_shape, images.data()}},
      {"labels", {ElementType::i64, label_shape, labels.data()}}};
  if (texts) {
    tensors.push_back({"tokens", {ElementType::i64, texts->token_shape, texts->tokens.data()}});
    tensors.push_back(
        {"position", {ElementType::i64, texts->position_shape, texts->positions.data()}});
  }
  return bundle::save_tensor_file(file, Json::object({{"name", name}, {"item_count", count}}),
                                  tensors);
}

bool has_tux_pictures(const fs::path& data_folder) {
  return fs::is_directory(data_folder / "tuxpaint-stamps-default-2022.06.04-1");
}

// The pictures' bytes and what they are taken for.
Result<std::string> picture_recipe(const std::vector<pictures::LabelledPicture>& pictures,
                                   std::string_view name, const models::Preprocessing& p) {
  Hasher hasher;
  for (const pictures::LabelledPicture& picture : pictures) {
    QB_TRY(const std::string hash, hash_of_file(picture.path));
    hasher.update(fmt::format("{} {} {} [{}]\n", picture.path.filename().string(), hash,
                              picture.is_cut_out, fmt::join(picture.labels, " ")));
  }
  hasher.update(fmt::format("{} {} {} {} {} {} [{}] [{}]\n", static_cast<int>(p.fit),
                            static_cast<int>(p.filter), p.resized_px, p.crop_px, p.rounds_centre,
                            p.scale, fmt::join(p.mean, " "), fmt::join(p.deviation, " ")));
  return fmt::format("{}-{}px-{}", name, p.size_px(), hasher.hex());
}

Result<Dataset> find_or_save_pictures(const std::vector<pictures::LabelledPicture>& pictures,
                                      std::string_view name, const models::Model& model,
                                      const fs::path& cache_folder,
                                      const ClassTexts* texts = nullptr) {
  if (!model.picture_problem.empty()) return fail(Errc::unavailable, "{}", model.picture_problem);
  models::Preprocessing preprocessing = model.preprocessing;
  if (preprocessing.resized_px == 0) preprocessing.resized_px = model.image_size_px;
  QB_TRY(std::string recipe, picture_recipe(pictures, name, preprocessing));
  if (texts) recipe += fmt::format("-texts-{}", texts->hash());
  return find_or_save(recipe, cache_folder, [&](const fs::path& file) {
    return save_pictures(pictures, name, preprocessing, file, texts);
  });
}

// So many of a larger set, evenly spread over its classes.
std::string take_sample(pictures::PictureSet& set, const models::Model& model) {
  constexpr int64_t bytes_max = int64_t{512} << 20;
  constexpr int64_t count_max = 1000;
  constexpr int64_t count_min = 50;
  const int64_t bytes_of_one = int64_t{12} * model.image_size_px * model.image_size_px;
  const int64_t most = std::clamp(bytes_max / bytes_of_one, count_min, count_max);
  const int64_t count = std::ssize(set.pictures);
  const std::string name = printable(set.name);
  if (count <= most) return name;
  std::vector<pictures::LabelledPicture> sample;
  for (int64_t i = 0; i < most; ++i)
    sample.push_back(set.pictures[static_cast<size_t>(i * count / most)]);
  set.pictures = std::move(sample);
  return fmt::format("{} ({} of {})", name, most, count);
}

Result<Dataset> user_pictures_to_score(const DataPlace& p) {
  const models::Model& model = p.source.model;
  QB_TRY(pictures::PictureSet set, pictures::find_user_pictures(p.user.images));
  const ir::Graph& graph = p.source.networks.front().graph;
  QB_TRY(const std::vector<int64_t> ids,
         with_context(class_ids(set, model, graph[graph.outputs[0]].shape[1].extent),
                      p.user.images.string()));
  const std::string name = take_sample(set, model);
  for (pictures::LabelledPicture& picture : set.pictures)
    for (int64_t& label : picture.labels) label = ids[static_cast<size_t>(label)];
  return find_or_save_pictures(set.pictures, name, model, p.cache_folder);
}

// The built-in pictures by the names of their classes.
Result<pictures::PictureSet> named_tux_pictures(const fs::path& data_folder) {
  pictures::PictureSet set = {.name = "tuxpaint-156"};
  QB_TRY(set.pictures, pictures::find_tux_pictures(data_folder));
  std::map<int64_t, int64_t> places;
  for (const auto& [id, name] : pictures::tux_class_names()) {
    places.emplace(id, std::ssize(set.class_names));
    set.class_names.push_back(name);
  }
  for (pictures::LabelledPicture& picture : set.pictures)
    for (int64_t& label : picture.labels) label = places[label];
  return set;
}

}  // namespace

Result<Dataset> described_pictures_to_score(const DataPlace& p) {
  const models::Model& model = p.source.model;
  QB_TRY(pictures::PictureSet set, p.user.images.empty()
                                       ? named_tux_pictures(p.data_folder)
                                       : pictures::find_user_pictures(p.user.images));
  if (set.class_names.size() < 2)
    return fail(Errc::bad_input, "{}: has one class, there is nothing to choose",
                p.user.images.string());
  QB_TRY(const ClassTexts texts, make_class_texts(p.source, set.class_names));
  const std::string name = take_sample(set, model);
  return find_or_save_pictures(set.pictures, name, model, p.cache_folder, &texts);
}

// The large set where it is, the 20 samples elsewhere.
Result<Dataset> pictures_to_score(const DataPlace& p) {
  if (!p.user.images.empty()) return user_pictures_to_score(p);
  const models::Model& model = p.source.model;
  if (const auto tux = pictures::find_tux_pictures(p.data_folder))
    return find_or_save_pictures(*tux, "tuxpaint-156", model, p.cache_folder);
  QB_TRY(const auto foolbox, pictures::find_foolbox_pictures(p.data_folder));
  return find_or_save_pictures(foolbox, "foolbox-20", model, p.cache_folder);
}

Result<Dataset> pictures_to_calibrate_on(const DataPlace& p) {
  const bool is_scored_too = !has_tux_pictures(p.data_folder);
  const std::string name = is_scored_too ? "foolbox-20 (the quality data itself)" : "foolbox-20";
  QB_TRY(const auto pictures, pictures::find_foolbox_pictures(p.data_folder));
  return find_or_save_pictures(pictures, name, p.source.model, p.cache_folder);
}

}  // namespace qb::prepare
