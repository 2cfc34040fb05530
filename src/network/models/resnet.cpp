#include "network/models/resnet.h"

#include <algorithm>

#include "network/models/architectures.h"
#include "network/models/picture_model.h"

namespace qb::models {
namespace {

using ir::Builder;
using ir::Value;

constexpr double batch_norm_eps = 1e-5;
constexpr int64_t reduction = 4;  // of a bottleneck

struct Convolution {
  int64_t out_channels, kernel;
  int64_t stride = 1;
};

Value convolve(Builder& b, Value x, const std::string& conv, const std::string& norm,
               const Convolution& c) {
  const int64_t in_channels = b.shape(x).size() == 4 ? b.shape(x)[1].extent : 1;
  const int64_t side = c.kernel / 2;
  x = b.conv2d(x, b.parameter(conv + ".weight", {c.out_channels, in_channels, c.kernel, c.kernel}),
               {.stride = c.stride, .padding = {side, side, side, side}});
  return b.batch_norm(x, norm, batch_norm_eps);
}

std::vector<Convolution> convolutions_of(const ResNetConfig& config, int64_t channels,
                                         int64_t stride) {
  if (!config.is_bottleneck) return {{channels, 3, stride}, {channels, 3}};
  const bool is_first = config.halves_in_first_convolution;
  return {{channels / reduction, 1, is_first ? stride : 1},
          {channels / reduction, 3, is_first ? 1 : stride},
          {channels, 1}};
}

Value residual(Builder& b, Value input, const ResNetConfig& config, const std::string& block,
               int64_t channels, int64_t stride) {
  Value x = input;
  const std::vector<Convolution> convolutions = convolutions_of(config, channels, stride);
  for (size_t i = 0; i < convolutions.size(); ++i) {
    x = convolve(b, x, fmt::format("{}.conv{}", block, i + 1), fmt::format("{}.bn{}", block, i + 1),
                 convolutions[i]);
    if (i + 1 < convolutions.size()) x = activate(b, x, Activation::relu);
  }
  const bool keeps_shape =
      stride == 1 && b.shape(input).size() == 4 && b.shape(input)[1].extent == channels;
  if (!keeps_shape)
    input =
        convolve(b, input, block + ".downsample.0", block + ".downsample.1", {channels, 1, stride});
  return activate(b, b.add(x, input), config.activation);
}

// "layer2.0.conv1.weight" → "resnet.encoder.stages.1.layers.0.layer.0.convolution.weight"
std::string transformers_name(const std::string& parameter) {
  std::vector<std::string> parts = split(parameter, '.');
  const std::string& last = parts.back();
  if (parts[0] == "fc") return "classifier.1." + last;
  if (parts[0] == "conv1") return "resnet.embedder.embedder.convolution." + last;
  if (parts[0] == "bn1") return "resnet.embedder.embedder.normalization." + last;
  const int stage = parts[0].back() - '1';
  const std::string block = fmt::format("resnet.encoder.stages.{}.layers.{}.", stage, parts[1]);
  if (parts[2] == "downsample")
    return block + (parts[3] == "0" ? "shortcut.convolution." : "shortcut.normalization.") + last;
  const bool is_convolution = parts[2].starts_with("conv");
  return fmt::format("{}layer.{}.{}.{}", block, parts[2].back() - '1',
                     is_convolution ? "convolution" : "normalization", last);
}

std::vector<ResNetStage> read_stages(Config& c) {
  const Json::Array& widths = c["hidden_sizes"].as_array();
  const Json::Array& depths = c["depths"].as_array();
  constexpr size_t stage_count_max = 8;
  constexpr int64_t block_count_max = 1024;
  std::vector<ResNetStage> stages;
  for (size_t i = 0; i < std::min(widths.size(), depths.size()); ++i)
    stages.push_back({widths[i].as_int(), depths[i].as_int()});
  const bool are_right = std::ranges::all_of(stages, [](const ResNetStage& stage) {
    return stage.channel_count >= reduction && stage.channel_count <= 1 << 20 &&
           stage.block_count >= 1 && stage.block_count <= block_count_max;
  });
  if (!are_right || stages.empty() || widths.size() != depths.size() ||
      stages.size() > stage_count_max)
    c.fail_with({Errc::bad_input,
                 fmt::format("hidden_sizes is {} and depths {}, wanted are as many whole numbers",
                             dump_json(c["hidden_sizes"]), dump_json(c["depths"]))});
  return stages;
}

struct KnownResNet {
  std::string_view name;
  bool is_bottleneck;
  int64_t block_counts[4];
};
constexpr KnownResNet known_resnets[] = {
    {"resnet18", false, {2, 2, 2, 2}},  {"resnet26", true, {2, 2, 2, 2}},
    {"resnet34", false, {3, 4, 6, 3}},  {"resnet50", true, {3, 4, 6, 3}},
    {"resnet101", true, {3, 4, 23, 3}}, {"resnet152", true, {3, 8, 36, 3}}};

}  // namespace

Result<ir::Graph> build_resnet(const ResNetConfig& config) {
  Builder b(config.name);
  const int64_t size_px = config.image_size_px;
  Value x = b.input("image", ElementType::f32, {ir::Symbol::batch, 3, size_px, size_px});
  x = convolve(b, x, "conv1", "bn1", {config.stem_channels, 7, 2});
  x = activate(b, x, config.activation);
  x = b.max_pool(x, {.kernel = 3, .stride = 2, .padding = {1, 1, 1, 1}});
  for (size_t stage = 0; stage < config.stages.size(); ++stage) {
    const auto [channels, block_count] = config.stages[stage];
    const bool halves = stage > 0 || config.halves_in_first_stage;
    for (int64_t i = 0; i < block_count; ++i)
      x = residual(b, x, config, fmt::format("layer{}.{}", stage + 1, i), channels,
                   i == 0 && halves ? 2 : 1);
  }
  x = b.flatten(b.global_average_pool(x));
  b.output(b.linear(
      x, b.parameter("fc.weight", {config.class_count, config.stages.back().channel_count}),
      b.parameter("fc.bias", {config.class_count})));
  return b.finish();
}

Result<Model> read_resnet(Config c) {
  const PictureFields fields = read_picture_fields(c, {});
  ResNetConfig config = {.name = "resnet",
                         .stem_channels = c.size("embedding_size", 64),
                         .stages = read_stages(c),
                         .is_bottleneck = c.text("layer_type", "bottleneck") == "bottleneck",
                         .halves_in_first_stage = c.flag("downsample_in_first_stage", false),
                         .halves_in_first_convolution = c.flag("downsample_in_bottleneck", false),
                         .activation = read_activation(c, "hidden_act", "relu"),
                         .image_size_px = fields.image_size_px,
                         .class_count = fields.class_count};
  if (!config.is_bottleneck) c.expect("layer_type", "basic");
  QB_CHECK(c.check());
  Model model = classifier(fields, [config] { return build_resnet(config); });
  QB_CHECK(rename_parameters(model, transformers_name));
  return model;
}

Result<Model> read_timm_resnet(Config c) {
  const std::string name = c.text("architecture", "");
  const auto known = std::ranges::find(known_resnets, name, &KnownResNet::name);
  if (known == std::end(known_resnets)) return unknown_timm(name);
  const PictureFields fields = read_timm_fields(c);
  expect_model_args(c, {"img_size"});
  c.expect("global_pool", "avg");
  QB_CHECK(c.check());
  ResNetConfig config = {.name = name,
                         .stages = {},
                         .is_bottleneck = known->is_bottleneck,
                         .image_size_px = fields.image_size_px,
                         .class_count = fields.class_count};
  int64_t width = known->is_bottleneck ? 256 : 64;
  for (const int64_t block_count : known->block_counts) {
    config.stages.push_back({width, block_count});
    width *= 2;
  }
  return classifier(fields, [config] { return build_resnet(config); });
}

}  // namespace qb::models
