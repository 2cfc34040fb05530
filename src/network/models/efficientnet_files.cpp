// EfficientNets as transformers and timm keep them.
#include <algorithm>

#include "base/number.h"
#include "network/models/architectures.h"
#include "network/models/efficientnet.h"
#include "network/models/picture_model.h"

namespace qb::models {
namespace {

struct Pair {
  std::string_view here, there;
};

std::string_view there_of(std::span<const Pair> pairs, std::string_view here) {
  const auto pair = std::ranges::find(pairs, here, &Pair::here);
  return pair == pairs.end() ? here : pair->there;
}

// "_blocks.3._bn1.running_var" → "efficientnet.encoder.blocks.3.depthwise_conv.depthwise_norm.…"
std::string transformers_name(const std::string& parameter) {
  constexpr Pair of_blocks[] = {{"_expand_conv", "expansion.expand_conv"},
                                {"_bn0", "expansion.expand_bn"},
                                {"_depthwise_conv", "depthwise_conv.depthwise_conv"},
                                {"_bn1", "depthwise_conv.depthwise_norm"},
                                {"_se_reduce", "squeeze_excite.reduce"},
                                {"_se_expand", "squeeze_excite.expand"},
                                {"_project_conv", "projection.project_conv"},
                                {"_bn2", "projection.project_bn"}};
  constexpr Pair others[] = {{"_conv_stem", "efficientnet.embeddings.convolution"},
                             {"_bn0", "efficientnet.embeddings.batchnorm"},
                             {"_conv_head", "efficientnet.encoder.top_conv"},
                             {"_bn1", "efficientnet.encoder.top_bn"},
                             {"_fc", "classifier"}};
  const std::vector<std::string> parts = split(parameter, '.');
  if (parts[0] != "_blocks") return fmt::format("{}.{}", there_of(others, parts[0]), parts[1]);
  return fmt::format("efficientnet.encoder.blocks.{}.{}.{}", parts[1],
                     there_of(of_blocks, parts[2]), parts[3]);
}

// "_blocks.3._bn1.running_var" → "blocks.2.0.bn2.running_var"
std::string timm_name(const std::string& parameter, const std::vector<int64_t>& counts) {
  constexpr Pair of_blocks[] = {{"_expand_conv", "conv_pw"},      {"_bn0", "bn1"},
                                {"_depthwise_conv", "conv_dw"},   {"_bn1", "bn2"},
                                {"_se_reduce", "se.conv_reduce"}, {"_se_expand", "se.conv_expand"},
                                {"_project_conv", "conv_pwl"},    {"_bn2", "bn3"}};
  // The first stage doesn't expand.
  constexpr Pair of_first_stage[] = {
      {"_depthwise_conv", "conv_dw"},   {"_bn1", "bn1"},
      {"_se_reduce", "se.conv_reduce"}, {"_se_expand", "se.conv_expand"},
      {"_project_conv", "conv_pw"},     {"_bn2", "bn2"}};
  constexpr Pair others[] = {{"_conv_stem", "conv_stem"},
                             {"_bn0", "bn1"},
                             {"_conv_head", "conv_head"},
                             {"_bn1", "bn2"},
                             {"_fc", "classifier"}};
  const std::vector<std::string> parts = split(parameter, '.');
  if (parts[0] != "_blocks") return fmt::format("{}.{}", there_of(others, parts[0]), parts[1]);
  auto place = parse_number<int64_t>(parts[1]).value_or(0);
  size_t stage = 0;
  while (place >= counts[stage]) place -= counts[stage++];
  const std::string_view name =
      stage == 0 ? there_of(of_first_stage, parts[2]) : there_of(of_blocks, parts[2]);
  return fmt::format("blocks.{}.{}.{}.{}", stage, place, name, parts[3]);
}

struct KnownEfficientNet {
  std::string_view name;
  double width_multiplier, depth_multiplier;
};
constexpr KnownEfficientNet known_efficientnets[] = {
    {"b0", 1.0, 1.0},    {"b1", 1.0, 1.1},    {"b2", 1.1, 1.2},    {"b3", 1.2, 1.4},
    {"b4", 1.4, 1.8},    {"b5", 1.6, 2.2},    {"b6", 1.8, 2.6},    {"b7", 2.0, 3.1},
    {"lite0", 1.0, 1.0}, {"lite1", 1.0, 1.1}, {"lite2", 1.1, 1.2}, {"lite3", 1.2, 1.4},
    {"lite4", 1.4, 1.8}};

// efficientnet_b0, tf_efficientnet_lite0
std::optional<EfficientNetConfig> parse_timm_name(std::string_view name) {
  constexpr std::string_view of_tensorflow = "tf_";
  constexpr std::string_view family = "efficientnet_";
  EfficientNetConfig config = {
      .name = std::string(name), .batch_norm_eps = 1e-5, .padding = Padding::symmetric};
  if (name.starts_with(of_tensorflow)) {
    name.remove_prefix(of_tensorflow.size());
    config.padding = Padding::same;
    config.batch_norm_eps = 1e-3;
  }
  if (!name.starts_with(family)) return {};
  name.remove_prefix(family.size());
  const auto known = std::ranges::find(known_efficientnets, name, &KnownEfficientNet::name);
  if (known == std::end(known_efficientnets)) return {};
  config.width_multiplier = known->width_multiplier;
  config.depth_multiplier = known->depth_multiplier;
  config.lite = name.starts_with("lite");
  return config;
}

// The stages are those of the paper.
void expect_stages(Config& c) {
  const auto list = [](const std::vector<int64_t>& values) { return Json::array_of(values); };
  c.expect("kernel_sizes", list({3, 3, 5, 3, 5, 5, 3}));
  c.expect("in_channels", list({32, 16, 24, 40, 80, 112, 192}));
  c.expect("out_channels", list({16, 24, 40, 80, 112, 192, 320}));
  c.expect("strides", list({1, 2, 2, 2, 1, 2, 1}));
  c.expect("num_block_repeats", list({1, 2, 2, 3, 3, 4, 1}));
  c.expect("expand_ratios", list({1, 6, 6, 6, 6, 6, 6}));
  c.expect("depth_divisor", 8);
  c.expect("squeeze_expansion_ratio", 0.25);
  c.expect("hidden_act", "swish");
  c.expect("pooling_type", "mean");
}

}  // namespace

Result<Model> read_efficientnet(Config c) {
  constexpr int64_t usual_size_px = 600;
  const PictureFields fields =
      read_picture_fields(c, read_image_size(c, "image_size", usual_size_px));
  expect_stages(c);
  EfficientNetConfig config = {.name = "efficientnet",
                               .width_multiplier = c.positive("width_coefficient", 2.0),
                               .depth_multiplier = c.positive("depth_coefficient", 3.1),
                               .image_size_px = fields.image_size_px,
                               .lite = false,
                               .class_count = fields.class_count,
                               .batch_norm_eps = c.positive("batch_norm_eps", 1e-3),
                               .padding = Padding::at_end};
  constexpr double multiplier_max = 64.0;
  if (config.width_multiplier > multiplier_max || config.depth_multiplier > multiplier_max)
    c.fail_with({Errc::bad_input,
                 fmt::format("width_coefficient {} and depth_coefficient {}: {} "
                             "is the most",
                             config.width_multiplier, config.depth_multiplier, multiplier_max)});
  for (const Json& block : c["depthwise_padding"].as_array())
    config.symmetric_blocks.push_back(block.as_int(-1));
  QB_CHECK(c.check());
  Model model = classifier(fields, [config] { return build_efficientnet(config); });
  QB_CHECK(rename_parameters(model, transformers_name));
  return model;
}

Result<Model> read_timm_efficientnet(Config c) {
  std::optional<EfficientNetConfig> known = parse_timm_name(c.text("architecture", ""));
  if (!known) return unknown_timm(c.text("architecture", ""));
  const PictureFields fields = read_timm_fields(c);
  expect_model_args(c, {});
  c.expect("global_pool", "avg");
  QB_CHECK(c.check());
  known->image_size_px = fields.image_size_px;
  known->class_count = fields.class_count;
  Model model = classifier(fields, [config = *known] { return build_efficientnet(config); });
  QB_CHECK(rename_parameters(model, [counts = block_counts(*known)](const std::string& name) {
    return timm_name(name, counts);
  }));
  return model;
}

}  // namespace qb::models
