#include "network/models/mobilenetv3.h"

#include <algorithm>

#include "base/number.h"
#include "network/models/architectures.h"
#include "network/models/picture_model.h"

namespace qb::models {
namespace {

using ir::Builder;
using ir::Op;
using ir::Value;

// A row of the paper's tables 1 and 2; `begins_stage`: as timm numbers them.
struct Block {
  bool begins_stage;
  int64_t kernel, stride;
  double expansion;
  int64_t out_channels;
  bool excites;
  Op activation;
};

constexpr Op re = Op::relu;
constexpr Op hs = Op::hard_swish;
constexpr Block large[] = {{true, 3, 1, 1.0, 16, false, re},  {true, 3, 2, 4.0, 24, false, re},
                           {false, 3, 1, 3.0, 24, false, re}, {true, 5, 2, 3.0, 40, true, re},
                           {false, 5, 1, 3.0, 40, true, re},  {false, 5, 1, 3.0, 40, true, re},
                           {true, 3, 2, 6.0, 80, false, hs},  {false, 3, 1, 2.5, 80, false, hs},
                           {false, 3, 1, 2.3, 80, false, hs}, {false, 3, 1, 2.3, 80, false, hs},
                           {true, 3, 1, 6.0, 112, true, hs},  {false, 3, 1, 6.0, 112, true, hs},
                           {true, 5, 2, 6.0, 160, true, hs},  {false, 5, 1, 6.0, 160, true, hs},
                           {false, 5, 1, 6.0, 160, true, hs}};
constexpr Block small[] = {{true, 3, 2, 1.0, 16, true, re},    {true, 3, 2, 4.5, 24, false, re},
                           {false, 3, 1, 3.67, 24, false, re}, {true, 5, 2, 4.0, 40, true, hs},
                           {false, 5, 1, 6.0, 40, true, hs},   {false, 5, 1, 6.0, 40, true, hs},
                           {true, 5, 1, 3.0, 48, true, hs},    {false, 5, 1, 3.0, 48, true, hs},
                           {true, 5, 2, 6.0, 96, true, hs},    {false, 5, 1, 6.0, 96, true, hs},
                           {false, 5, 1, 6.0, 96, true, hs}};
constexpr int64_t stem_channels = 16;

std::span<const Block> blocks_of(const MobileNetV3Config& config) {
  return config.is_large ? std::span<const Block>(large) : std::span<const Block>(small);
}

int64_t channels_of(Builder& b, Value x) {
  return b.shape(x).size() == 4 ? b.shape(x)[1].extent : 1;
}

Value squeeze_and_excite(Builder& b, Value x, const std::string& block,
                         const MobileNetV3Config& config) {
  const int64_t channels = channels_of(b, x);
  const int64_t squeezed = scaled_channels(static_cast<double>(channels), 0.25);
  Value s = b.global_average_pool(x);
  s = convolve(b, s, block + ".se.conv_reduce", {.out_channels = squeezed, .kernel = 1},
               config.padding, b.parameter(block + ".se.conv_reduce.bias", {squeezed}));
  s = convolve(b, b.apply(re, {s}), block + ".se.conv_expand",
               {.out_channels = channels, .kernel = 1}, config.padding,
               b.parameter(block + ".se.conv_expand.bias", {channels}));
  return b.multiply(x, b.apply(Op::hard_sigmoid, {s}));
}

// Of a block that doesn't expand, timm calls the convolutions otherwise.
Value inverted_residual(Builder& b, Value input, const std::string& name, const Block& block,
                        const MobileNetV3Config& config) {
  const int64_t in_channels = channels_of(b, input);
  const int64_t out_channels =
      scaled_channels(static_cast<double>(block.out_channels), config.width_multiplier);
  const bool expands = block.expansion > 1.0;
  const int64_t expanded =
      expands ? scaled_channels(static_cast<double>(in_channels), block.expansion) : in_channels;
  int norm_count = 0;
  const auto normalized = [&](Value x, const char* conv, const MobileConvolution& convolution) {
    x = convolve(b, x, fmt::format("{}.{}", name, conv), convolution, config.padding);
    return b.batch_norm(x, fmt::format("{}.bn{}", name, ++norm_count), config.batch_norm_eps);
  };
  Value x = input;
  if (expands)
    x = b.apply(block.activation,
                {normalized(x, "conv_pw", {.out_channels = expanded, .kernel = 1})});
  x = b.apply(block.activation, {normalized(x, "conv_dw",
                                            {.out_channels = expanded,
                                             .kernel = block.kernel,
                                             .stride = block.stride,
                                             .depthwise = true})});
  if (block.excites) x = squeeze_and_excite(b, x, name, config);
  x = normalized(x, expands ? "conv_pwl" : "conv_pw", {.out_channels = out_channels, .kernel = 1});
  return block.stride == 1 && in_channels == out_channels ? b.add(x, input) : x;
}

// mobilenetv3_large_100, tf_mobilenetv3_small_075
std::optional<MobileNetV3Config> parse_timm_name(std::string_view name) {
  constexpr std::string_view of_tensorflow = "tf_";
  MobileNetV3Config config = {.name = std::string(name)};
  if (name.starts_with(of_tensorflow)) {
    name.remove_prefix(of_tensorflow.size());
    config.padding = Padding::same;
    config.batch_norm_eps = 1e-3;
  }
  const std::vector<std::string> parts = split(name, '_');
  if (parts.size() != 3 || parts[0] != "mobilenetv3") return {};
  config.is_large = parts[1] == "large";
  const auto percent = parse_number<int64_t>(parts[2]);
  if ((!config.is_large && parts[1] != "small") || parts[2].size() != 3 || !percent || *percent < 1)
    return {};
  config.width_multiplier = static_cast<double>(*percent) / 100.0;
  return config;
}

}  // namespace

Result<ir::Graph> build_mobilenetv3(const MobileNetV3Config& config) {
  Builder b(config.name);
  const int64_t size_px = config.image_size_px;
  constexpr double narrowest_scaled_stem = 0.75;
  const double stem_multiplier =
      config.width_multiplier < narrowest_scaled_stem ? 1.0 : config.width_multiplier;
  Value x = b.input("image", ElementType::f32, {ir::Symbol::batch, 3, size_px, size_px});
  x = convolve(
      b, x, "conv_stem",
      {.out_channels = scaled_channels(stem_channels, stem_multiplier), .kernel = 3, .stride = 2},
      config.padding);
  x = b.apply(hs, {b.batch_norm(x, "bn1", config.batch_norm_eps)});
  int64_t stage = -1;
  int64_t place = 0;
  for (const Block& block : blocks_of(config)) {
    stage += block.begins_stage ? 1 : 0;
    place = block.begins_stage ? 0 : place + 1;
    x = inverted_residual(b, x, fmt::format("blocks.{}.{}", stage, place), block, config);
  }
  const std::string last = fmt::format("blocks.{}.0", stage + 1);
  const int64_t last_channels =
      scaled_channels(config.is_large ? 960 : 576, config.width_multiplier);
  x = convolve(b, x, last + ".conv", {.out_channels = last_channels, .kernel = 1}, config.padding);
  x = b.apply(hs, {b.batch_norm(x, last + ".bn1", config.batch_norm_eps)});
  const int64_t head = config.is_large ? 1280 : 1024;
  x = convolve(b, b.global_average_pool(x), "conv_head", {.out_channels = head, .kernel = 1},
               config.padding, b.parameter("conv_head.bias", {head}));
  x = b.flatten(b.apply(hs, {x}));
  b.output(b.linear(x, b.parameter("classifier.weight", {config.class_count, head}),
                    b.parameter("classifier.bias", {config.class_count})));
  return b.finish();
}

Result<Model> read_timm_mobilenetv3(Config c) {
  std::optional<MobileNetV3Config> known = parse_timm_name(c.text("architecture", ""));
  if (!known) return unknown_timm(c.text("architecture", ""));
  const PictureFields fields = read_timm_fields(c);
  expect_model_args(c, {});
  c.expect("global_pool", "avg");
  QB_CHECK(c.check());
  known->image_size_px = fields.image_size_px;
  known->class_count = fields.class_count;
  return classifier(fields, [config = *known] { return build_mobilenetv3(config); });
}

}  // namespace qb::models
