// What readers of classifiers of pictures share: the fields of transformers' and timm's
// configurations that tell the picture and the classes, and the model that comes of them.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "network/models/config.h"
#include "network/models/models.h"
#include "network/models/preprocessing.h"

namespace qb::models {

struct PictureFields {
  int64_t image_size_px = 0;
  int64_t class_count = 0;
  std::vector<std::string> class_names;
  std::optional<Preprocessing> preprocessing;  // empty: nothing tells it
};

// Of transformers. A network that takes pictures of any size (none in its config) takes those that
// its preprocessor makes, or 224 px without one.
PictureFields read_picture_fields(Config& config, std::optional<int64_t> image_size_px);
// "image_size", a number or two that are the same.
int64_t read_image_size(Config& config, std::string_view key, int64_t otherwise);
// Of timm: num_classes, model_args, pretrained_cfg.
PictureFields read_timm_fields(Config& config);
// Of timm's model_args: the arguments that are followed.
void expect_model_args(Config& config, std::initializer_list<std::string_view> followed);
tl::unexpected<Error> unknown_timm(std::string_view architecture);

// The model's pictures are prepared so, or the model knows why they can't be.
void use_preprocessing(Model& model, const PictureFields& fields);
Model classifier(const PictureFields& fields, std::function<Result<ir::Graph>()> build);

// Files have the model's parameters under the names that `name_of` gives.
Result<void> rename_parameters(Model& model,
                               const std::function<std::string(const std::string&)>& name_of);

std::vector<std::string> split(std::string_view text, char at);

}  // namespace qb::models
