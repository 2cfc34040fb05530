#include "network/models/efficientnet.h"

#include <algorithm>
#include <cmath>

#include "network/ir/builder.h"

namespace qb::models {
namespace {

using ir::Builder;
using ir::Value;

// One stage of Table 1 of the paper, at multipliers 1.
struct Stage {
  int64_t repeat_count, kernel, stride, expansion, in_channels, out_channels;
};

constexpr Stage stages[] = {
    {1, 3, 1, 1, 32, 16},  {2, 3, 2, 6, 16, 24},   {2, 5, 2, 6, 24, 40},   {3, 3, 2, 6, 40, 80},
    {3, 5, 1, 6, 80, 112}, {4, 5, 2, 6, 112, 192}, {1, 3, 1, 6, 192, 320},
};

int64_t repeat_count_of(size_t stage, const EfficientNetConfig& config) {
  const bool is_end = stage == 0 || stage + 1 == std::size(stages);
  if (config.lite && is_end) return stages[stage].repeat_count;
  return static_cast<int64_t>(
      std::ceil(static_cast<double>(stages[stage].repeat_count) * config.depth_multiplier));
}

Value activated(Builder& b, Value x, const EfficientNetConfig& config) {
  return config.lite ? b.relu6(x) : b.silu(x);
}

Value squeeze_and_excite(Builder& b, Value x, const std::string& block, int64_t channels,
                         int64_t squeezed, Padding padding) {
  Value s = b.global_average_pool(x);
  s = convolve(b, s, block + "._se_reduce", {.out_channels = squeezed, .kernel = 1}, padding,
               b.parameter(block + "._se_reduce.bias", {squeezed}));
  s = convolve(b, b.silu(s), block + "._se_expand", {.out_channels = channels, .kernel = 1},
               padding, b.parameter(block + "._se_expand.bias", {channels}));
  return b.multiply(x, b.sigmoid(s));
}

Value inverted_residual(Builder& b, Value input, const std::string& block, const Stage& stage,
                        const EfficientNetConfig& config, Padding padding) {
  Value x = input;
  const double epsilon = config.batch_norm_eps;
  const int64_t expanded = stage.in_channels * stage.expansion;
  if (stage.expansion != 1) {
    x = convolve(b, x, block + "._expand_conv", {.out_channels = expanded, .kernel = 1}, padding);
    x = activated(b, b.batch_norm(x, block + "._bn0", epsilon), config);
  }
  x = convolve(
      b, x, block + "._depthwise_conv",
      {.out_channels = expanded, .kernel = stage.kernel, .stride = stage.stride, .depthwise = true},
      padding);
  x = activated(b, b.batch_norm(x, block + "._bn1", epsilon), config);
  if (!config.lite)
    x = squeeze_and_excite(b, x, block, expanded, std::max<int64_t>(1, stage.in_channels / 4),
                           padding);
  x = convolve(b, x, block + "._project_conv", {.out_channels = stage.out_channels, .kernel = 1},
               padding);
  x = b.batch_norm(x, block + "._bn2", epsilon);
  const bool keeps_shape = stage.stride == 1 && stage.in_channels == stage.out_channels;
  return keeps_shape ? b.add(x, input) : x;
}

}  // namespace

std::vector<int64_t> block_counts(const EfficientNetConfig& config) {
  std::vector<int64_t> counts;
  for (size_t i = 0; i < std::size(stages); ++i) counts.push_back(repeat_count_of(i, config));
  return counts;
}

Result<ir::Graph> build_efficientnet(const EfficientNetConfig& config) {
  Builder b(config.name);
  const int64_t size_px = config.image_size_px;
  const int64_t stem = config.lite ? 32 : scaled_channels(32, config.width_multiplier);
  const int64_t head = config.lite ? 1280 : scaled_channels(1280, config.width_multiplier);
  Value x = b.input("image", ElementType::f32, {ir::Symbol::batch, 3, size_px, size_px});
  x = convolve(b, x, "_conv_stem", {.out_channels = stem, .kernel = 3, .stride = 2},
               config.padding);
  x = activated(b, b.batch_norm(x, "_bn0", config.batch_norm_eps), config);
  int64_t channels = stem;
  int64_t block_count = 0;
  for (size_t i = 0; i < std::size(stages); ++i) {
    Stage stage = stages[i];
    stage.out_channels =
        scaled_channels(static_cast<double>(stage.out_channels), config.width_multiplier);
    for (int64_t repeat = repeat_count_of(i, config); repeat > 0; --repeat) {
      stage.in_channels = channels;
      const bool is_symmetric = std::ranges::count(config.symmetric_blocks, block_count) > 0;
      x = inverted_residual(b, x, fmt::format("_blocks.{}", block_count++), stage, config,
                            is_symmetric ? Padding::symmetric : config.padding);
      channels = stage.out_channels;
      stage.stride = 1;
    }
  }
  x = convolve(b, x, "_conv_head", {.out_channels = head, .kernel = 1}, config.padding);
  x = activated(b, b.batch_norm(x, "_bn1", config.batch_norm_eps), config);
  x = b.flatten(b.global_average_pool(x));
  b.output(b.linear(x, b.parameter("_fc.weight", {config.class_count, head}),
                    b.parameter("_fc.bias", {config.class_count})));
  return b.finish();
}

}  // namespace qb::models
