#include "network/models/preprocessing.h"

#include <cmath>

#include "base/number.h"

namespace qb::models {
namespace {

constexpr double usual_share = 0.875;

void refuse(Config& config, std::string message) {
  config.fail_with({Errc::unsupported, std::move(message)});
}

std::array<double, 3> read_channels(Config& config, std::string_view key,
                                    std::optional<std::array<double, 3>> otherwise = {}) {
  const Json& value = config[key];
  if (value.is_null() && otherwise) return *otherwise;
  const Json::Array& list = value.as_array();
  bool is_right = list.size() == 3;
  for (const Json& item : list) is_right = is_right && item.is_number();
  if (is_right) return {list[0].as_double(), list[1].as_double(), list[2].as_double()};
  config.fail_with(
      {Errc::bad_input, fmt::format("{} is {}, wanted are three numbers", key, dump_json(value))});
  return {1.0, 1.0, 1.0};
}

// {"height": 224, "width": 224}, or 224.
int64_t read_square(Config& config, std::string_view key) {
  const Json& value = config[key];
  if (value.is_int()) return config.size(key);
  Config size(value);
  const int64_t height = size.size("height");
  if (const Result<void> read = size.check(); !read)
    config.fail_with(with_context(read.error(), std::string(key)));
  else if (value["width"] != value["height"])
    refuse(config, fmt::format("{} is {}, which is no square", key, dump_json(value)));
  return height;
}

// Pillow's numbers.
Filter read_resample(Config& config, int64_t otherwise) {
  const int64_t number = config["resample"].as_int(otherwise);
  if (number == 0) return Filter::nearest;
  if (number == 2) return Filter::bilinear;
  if (number == 3) return Filter::bicubic;
  refuse(config,
         fmt::format("resample is {}, followed are 0 (nearest), 2 (bilinear) and 3 (bicubic)",
                     dump_json(config["resample"])));
  return Filter::bicubic;
}

bool is_shorter_edge(const Json& size) {
  return size.is_object() && size.contains("shortest_edge");
}

int64_t read_shorter_edge(Config& config) {
  Config size(config["size"]);
  const int64_t edge = size.size("shortest_edge");
  if (const Result<void> read = size.check(); !read)
    config.fail_with(with_context(read.error(), "size"));
  if (size.contains("longest_edge"))
    refuse(config, "size has a longest_edge, which is not followed");
  return edge;
}

// Of the resized picture, the side that is cut out.
double read_crop_share(Config& config, double otherwise) {
  constexpr double share_min = 0.1;
  const double share = config.positive("crop_pct", otherwise);
  if (share >= share_min && share <= 1.0) return share;
  refuse(config, fmt::format("crop_pct is {}, followed are {} to 1", share, share_min));
  return 1.0;
}

// How ConvNext's processor, which ResNets have, understands its size.
void read_convnext(Config& c, Preprocessing& p) {
  constexpr int64_t cropped_below_px = 384;
  const Json& size = c["size"];
  const int64_t edge = size.is_int() ? c.size("size") : read_shorter_edge(c);
  p.fit = Fit::squash;
  p.resized_px = edge;
  if (edge >= cropped_below_px) return;
  p.fit = Fit::shorter_edge;
  p.resized_px = static_cast<int64_t>(static_cast<double>(edge) / read_crop_share(c, usual_share));
  p.crop_px = edge;
}

void read_others(Config& c, Preprocessing& p, bool crops) {
  if (is_shorter_edge(c["size"])) {
    p.fit = Fit::shorter_edge;
    p.resized_px = read_shorter_edge(c);
  } else if (crops && c["size"].is_int()) {  // CLIP's older form: of the shorter edge
    p.fit = Fit::shorter_edge;
    p.resized_px = c.size("size");
  } else {
    p.fit = Fit::squash;
    p.resized_px = read_square(c, "size");
  }
  if (c.flag("do_center_crop", crops)) p.crop_px = read_square(c, "crop_size");
  if (p.fit == Fit::shorter_edge && p.crop_px == 0)
    refuse(c, "size has a shortest_edge and nothing is cropped: pictures would keep their ratio");
  if (p.crop_px > p.resized_px)
    refuse(c, fmt::format("crop_size is {}, more than the {} that pictures are resized to",
                          p.crop_px, p.resized_px));
}

// "CLIPImageProcessor" of "CLIPImageProcessorFast" and of what was called a feature extractor.
std::string processor_of(Config& c) {
  std::string name = c.text("image_processor_type", c.text("feature_extractor_type", ""));
  for (const std::string_view ending : {"Fast", "Pil", "ImageProcessor", "FeatureExtractor"})
    if (name.ends_with(ending)) name.resize(name.size() - ending.size());
  return name;
}

Preprocessing read_processor(Config& c) {
  const std::string name = processor_of(c);
  Preprocessing p;
  const bool is_efficientnet = name == "EfficientNet";
  if (name != "ConvNext" && name != "ViT" && name != "CLIP" && !is_efficientnet)
    refuse(c,
           fmt::format("image processor \"{}\" is not followed; those of ConvNext, ViT, CLIP and "
                       "EfficientNet are",
                       name));
  c.expect("do_resize", true);
  c.expect("do_rescale", true);
  c.expect("do_normalize", true);
  c.expect("do_pad", false);
  c.expect("rescale_offset", false);
  p.filter = read_resample(c, name == "ViT" ? 2 : 3);
  if (name == "ConvNext")
    read_convnext(c, p);
  else
    read_others(c, p, name == "CLIP");
  constexpr int64_t size_px_max = 8192;
  if (p.resized_px > size_px_max)
    refuse(c, fmt::format("pictures of {} px are not followed, {} is the most", p.resized_px,
                          size_px_max));
  constexpr double deepest = 255.0;
  p.scale = c.positive("rescale_factor", 1.0 / deepest);
  p.mean = read_channels(c, "image_mean");
  p.deviation = read_channels(c, "image_std");
  // EfficientNet's divides by the deviation twice.
  if (is_efficientnet && c.flag("include_top", true))
    for (double& value : p.deviation) value *= value;
  return p;
}

}  // namespace

Preprocessing read_preprocessor(Config& config) {
  Config of_processor(config["preprocessor"]);
  const Preprocessing preprocessing = read_processor(of_processor);
  if (const Result<void> read = of_processor.check(); !read)
    config.fail_with(with_context(read.error(), "preprocessor_config.json"));
  return preprocessing;
}

Preprocessing read_timm_preprocessing(Config& config, int64_t image_size_px) {
  Config c(config["pretrained_cfg"]);
  Preprocessing p = {.fit = Fit::shorter_edge, .crop_px = image_size_px, .rounds_centre = true};
  p.resized_px = static_cast<int64_t>(
      std::floor(static_cast<double>(image_size_px) / read_crop_share(c, usual_share)));
  const std::string mode = c.text("crop_mode", "center");
  if (mode == "squash") p.fit = Fit::squash;
  if (mode != "squash" && mode != "center")
    refuse(c, fmt::format("crop_mode is \"{}\", followed are center and squash", mode));
  const std::string filter = c.text("interpolation", "bilinear");
  p.filter = filter == "bicubic" ? Filter::bicubic : Filter::bilinear;
  if (filter != "bicubic" && filter != "bilinear")
    refuse(c, fmt::format("interpolation is \"{}\", followed are bilinear and bicubic", filter));
  constexpr double deepest = 255.0;
  p.scale = 1.0 / deepest;
  p.mean = read_channels(c, "mean", imagenet_mean);
  p.deviation = read_channels(c, "std", imagenet_deviation);
  if (const Result<void> read = c.check(); !read)
    config.fail_with(with_context(read.error(), "pretrained_cfg"));
  return p;
}

std::vector<std::string> read_class_names(Config& config) {
  const Json::Object& labels = config["id2label"].as_object();
  std::vector<std::string> names(labels.size());
  for (const auto& [id, name] : labels) {
    const auto index = parse_number<size_t>(id);
    if (!index || *index >= names.size() || !name.is_string()) {
      config.fail_with(
          {Errc::bad_input, fmt::format("id2label has {} for {}, wanted are names for 0 "
                                        "to {}",
                                        dump_json(name), id, names.size() - 1)});
      return {};
    }
    names[*index] = name.as_string();
  }
  return names;
}

}  // namespace qb::models
