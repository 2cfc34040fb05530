#include "network/models/picture_model.h"

#include <algorithm>

#include "network/models/timm.h"

namespace qb::models {
namespace {

constexpr int64_t usual_size_px = 224;
constexpr int64_t usual_class_count = 1000;

// Labels tell how many classes there are; without them the class's default is two.
int64_t read_class_count(Config& config, const std::vector<std::string>& names) {
  constexpr int64_t default_of_transformers = 2;
  if (!names.empty()) return static_cast<int64_t>(names.size());
  return config.size("num_labels", default_of_transformers);
}

}  // namespace

int64_t read_image_size(Config& config, std::string_view key, int64_t otherwise) {
  constexpr int64_t size_px_max = 8192;
  const Json& value = config[key];
  int64_t size_px = otherwise;
  if (value.is_array() && value.as_array().size() == 2) {
    size_px = value.as_array()[0].as_int();
    if (value.as_array()[0] != value.as_array()[1])
      config.fail_with(
          {Errc::unsupported, fmt::format("{} is {}, which is no square", key, dump_json(value))});
  } else {
    size_px = config.size(key, otherwise);
  }
  if (size_px >= 1 && size_px <= size_px_max) return size_px;
  config.fail_with({Errc::bad_input, fmt::format("{} is {}, wanted is a size up to {} px", key,
                                                 dump_json(value), size_px_max)});
  return usual_size_px;
}

PictureFields read_picture_fields(Config& config, std::optional<int64_t> image_size_px) {
  PictureFields fields;
  config.expect("num_channels", 3);
  fields.class_names = read_class_names(config);
  fields.class_count = read_class_count(config, fields.class_names);
  if (!config["preprocessor"].is_null()) fields.preprocessing = read_preprocessor(config);
  const int64_t given_px = fields.preprocessing ? fields.preprocessing->size_px() : 0;
  fields.image_size_px = image_size_px.value_or(given_px > 0 ? given_px : usual_size_px);
  if (given_px > 0 && given_px != fields.image_size_px)
    config.fail_with({Errc::bad_input,
                      fmt::format("image_size is {}, preprocessor_config.json makes pictures of {} "
                                  "px",
                                  fields.image_size_px, given_px)});
  return fields;
}

PictureFields read_timm_fields(Config& config) {
  PictureFields fields;
  const Json& input = config["pretrained_cfg"]["input_size"];
  const Json::Array& sides = input.as_array();
  fields.image_size_px = usual_size_px;
  if (sides.size() == 3) fields.image_size_px = sides[1].as_int();
  if (!input.is_null() && (sides.size() != 3 || sides[0].as_int() != 3 || sides[1] != sides[2]))
    config.fail_with({Errc::unsupported, fmt::format("input_size is {}, followed are squares of 3 "
                                                     "channels",
                                                     dump_json(input))});
  Config args(config["model_args"]);
  fields.image_size_px = read_image_size(args, "img_size", fields.image_size_px);
  if (const Result<void> read = args.check(); !read)
    config.fail_with(with_context(read.error(), "model_args"));
  fields.class_count = config.size("num_classes", usual_class_count);
  for (const Json& name : config["label_names"].as_array())
    fields.class_names.push_back(name.as_string());
  if (!config["pretrained_cfg"].is_null())
    fields.preprocessing = read_timm_preprocessing(config, fields.image_size_px);
  return fields;
}

void expect_model_args(Config& config, std::initializer_list<std::string_view> followed) {
  Config args(config["model_args"]);
  args.expect("in_chans", 3);
  if (const Result<void> read = args.check(); !read)
    config.fail_with(with_context(read.error(), "model_args"));
  for (const auto& [key, value] : config["model_args"].as_object())
    // The first two are told once more beside model_args.
    if (key != "num_classes" && key != "global_pool" && key != "in_chans" &&
        std::ranges::find(followed, key) == followed.end())
      config.fail_with(
          {Errc::unsupported,
           fmt::format("model_args has {} ({}), which is not followed", key, dump_json(value))});
}

tl::unexpected<Error> unknown_timm(std::string_view architecture) {
  return fail(Errc::unsupported, "unknown architecture {} of timm; known: {}", architecture,
              known_of_timm());
}

void use_preprocessing(Model& model, const PictureFields& fields) {
  if (fields.preprocessing) model.preprocessing = *fields.preprocessing;
  if (!fields.preprocessing)
    model.picture_problem =
        "nothing beside its weights says how pictures are prepared for it "
        "(preprocessor_config.json)";
}

Model classifier(const PictureFields& fields, std::function<Result<ir::Graph>()> build) {
  Model model = {.task = "image_classification",
                 .image_size_px = fields.image_size_px,
                 .build = std::move(build)};
  use_preprocessing(model, fields);
  model.class_names = fields.class_names;
  return model;
}

Result<void> rename_parameters(Model& model,
                               const std::function<std::string(const std::string&)>& name_of) {
  QB_TRY(const std::vector<NamedGraph> networks, build_networks(model));
  for (const auto& [name, graph] : networks)
    for (const ir::Value value : graph.of_kind(ir::ValueKind::parameter)) {
      const std::string& parameter = graph[value].name;
      const auto found = model.origins.find(parameter);
      if (found == model.origins.end())
        model.origins.emplace(parameter, Origin{.tensor = name_of(parameter)});
    }
  return {};
}

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  while (true) {
    const size_t end = text.find(at);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

}  // namespace qb::models
