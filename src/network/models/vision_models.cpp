#include "network/models/vision_models.h"

#include "network/models/clip.h"
#include "network/models/mobilenetv3.h"
#include "network/models/resnet.h"
#include "network/models/vit.h"

namespace qb::models {
namespace {

constexpr int64_t size_px = 224;

Model classifier_of(std::string name, std::string summary, const Preprocessing& preprocessing,
                    std::function<Result<ir::Graph>()> build) {
  return {.name = std::move(name),
          .summary = std::move(summary),
          .task = "image_classification",
          .image_size_px = size_px,
          .preprocessing = preprocessing,
          .build = std::move(build)};
}

// As timm prepares pictures for it.
Preprocessing cropped(int64_t resized_px, const std::array<double, 3>& mean,
                      const std::array<double, 3>& deviation) {
  constexpr double deepest = 255.0;
  return {.fit = Fit::shorter_edge,
          .resized_px = resized_px,
          .crop_px = size_px,
          .rounds_centre = true,
          .scale = 1.0 / deepest,
          .mean = mean,
          .deviation = deviation};
}

constexpr std::array<double, 3> half = {0.5, 0.5, 0.5};

Result<ir::Graph> build_resnet_50() { return build_resnet({.name = "resnet-50"}); }

Result<ir::Graph> build_mobilenetv3_large() {
  return build_mobilenetv3({.name = "mobilenetv3-large"});
}

Result<ir::Graph> build_mobilenetv3_small() {
  return build_mobilenetv3({.name = "mobilenetv3-small", .is_large = false});
}

Result<ir::Graph> build_vit_b_16() {
  return build_vit({.name = "vit-b-16",
                    .sizes = {.layer_count = 12,
                              .width = 768,
                              .ffn_width = 3072,
                              .head_count = 12,
                              .layer_norm_eps = 1e-6}});
}

Result<ir::Graph> build_vit_tiny_16() {
  return build_vit({.name = "vit-tiny-16",
                    .sizes = {.layer_count = 12,
                              .width = 192,
                              .ffn_width = 768,
                              .head_count = 3,
                              .layer_norm_eps = 1e-6}});
}

Model clip_vit_b_32() {
  constexpr double eps = 1e-5;
  ClipConfig config = {.name = "clip-vit-b-32"};
  config.picture.layer_norm_eps = config.text.layer_norm_eps = eps;
  config.picture.activation = config.text.activation = Activation::quick_gelu;
  config.text.is_causal = true;
  Model model = clip_model(config);
  model.name = config.name;
  model.summary = "CLIP ViT-B/32, pictures and texts to vectors, 151 million weights";
  model.preprocessing =
      cropped(size_px, {0.48145466, 0.4578275, 0.40821073}, {0.26862954, 0.26130258, 0.27577711});
  return model;
}

}  // namespace

std::vector<Model> vision_models() {
  const Preprocessing imagenet = cropped(256, imagenet_mean, imagenet_deviation);
  return {
      classifier_of("resnet-50", "ResNet-50 (version 1.5), ImageNet-1k, 25.6 million weights",
                    imagenet, build_resnet_50),
      classifier_of("mobilenetv3-large", "MobileNetV3-Large, ImageNet-1k, 5.5 million weights",
                    imagenet, build_mobilenetv3_large),
      classifier_of("mobilenetv3-small", "MobileNetV3-Small, ImageNet-1k, 2.5 million weights",
                    imagenet, build_mobilenetv3_small),
      classifier_of("vit-b-16", "ViT-B/16, ImageNet-1k, 86.6 million weights",
                    cropped(248, half, half), build_vit_b_16),
      classifier_of("vit-tiny-16", "ViT-Ti/16, ImageNet-1k, 5.7 million weights",
                    cropped(248, half, half), build_vit_tiny_16),
      clip_vit_b_32(),
  };
}

}  // namespace qb::models
