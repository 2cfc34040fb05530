#include "network/models/clip.h"

#include <utility>

#include "network/models/architectures.h"
#include "network/models/picture_model.h"
#include "network/models/vit.h"

namespace qb::models {
namespace {

using ir::Builder;
using ir::Op;
using ir::Value;

constexpr const char* scale_name = "logit_scale.weight";
constexpr TransformerNames names = {
    "layer_norm1",        "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
    "self_attn.out_proj", "layer_norm2",      "mlp.fc1",          "mlp.fc2"};

Value run_layers(Builder& b, Value x, const TransformerSizes& sizes, std::string_view tower) {
  for (int64_t i = 0; i < sizes.layer_count; ++i)
    x = transformer_block(b, x, sizes, names, fmt::format("{}.encoder.layers.{}.", tower, i));
  return x;
}

Value unit_vector(Builder& b, Value x, const char* projection, int64_t out, int64_t in) {
  return b.apply(Op::l2_normalize, {b.linear(x, b.parameter(projection, {out, in}))});
}

Result<ir::Graph> build_picture_tower(const ClipConfig& c) {
  Builder b(c.name + "-picture");
  const auto& [size_px, width] = std::pair(c.image_size_px, c.picture.width);
  const std::string embeddings = "vision_model.embeddings.";
  const Value image = b.input("image", ElementType::f32, {ir::Symbol::batch, 3, size_px, size_px});
  Value x = patches_of(b, image, embeddings + "patch_embedding", width, c.patch_size_px, false);
  x = b.apply(Op::prepend_token, {x, b.parameter(embeddings + "class_embedding", {width})});
  const int64_t side = size_px / c.patch_size_px;
  x = b.apply(Op::add_positions,
              {x, b.parameter(embeddings + "position_embedding.weight", {side * side + 1, width})});
  // Spelt so in the files.
  x = b.layer_norm(x, "vision_model.pre_layrnorm", c.picture.layer_norm_eps);
  x = b.apply(Op::pick_tokens, {run_layers(b, x, c.picture, "vision_model")});
  x = b.layer_norm(x, "vision_model.post_layernorm", c.picture.layer_norm_eps);
  b.output(unit_vector(b, x, "visual_projection.weight", c.projection_width, width));
  return b.finish();
}

Result<ir::Graph> build_text_tower(const ClipConfig& c) {
  Builder b(c.name + "-text");
  const int64_t width = c.text.width;
  const std::string embeddings = "text_model.embeddings.";
  const Value tokens =
      b.input("tokens", ElementType::i64, {ir::Symbol::batch, ir::Symbol::sequence});
  const Value position = b.input("position", ElementType::i64, {ir::Symbol::batch});
  Value x = b.embedding(
      tokens, b.parameter(embeddings + "token_embedding.weight", {c.vocabulary_size, width}));
  x = b.apply(Op::add_positions, {x, b.parameter(embeddings + "position_embedding.weight",
                                                 {c.position_count, width})});
  x = run_layers(b, x, c.text, "text_model");
  x = b.layer_norm(x, "text_model.final_layer_norm", c.text.layer_norm_eps);
  x = b.apply(Op::pick_tokens, {x, position});
  x = unit_vector(b, x, "text_projection.weight", c.projection_width, width);
  b.output(b.multiply(x, b.parameter(scale_name, {1})));
  return b.finish();
}

// Of a tower's part of the config, with the class's defaults.
TransformerSizes read_tower(Config& c, const TransformerSizes& defaults) {
  constexpr double usual_eps = 1e-5;
  const TransformerSizes sizes = {.layer_count = c.size("num_hidden_layers", defaults.layer_count),
                                  .width = c.size("hidden_size", defaults.width),
                                  .ffn_width = c.size("intermediate_size", defaults.ffn_width),
                                  .head_count = c.size("num_attention_heads", defaults.head_count),
                                  .layer_norm_eps = c.positive("layer_norm_eps", usual_eps),
                                  .activation = read_activation(c, "hidden_act", "quick_gelu"),
                                  .is_causal = defaults.is_causal};
  check_sizes(c, sizes);
  return sizes;
}

// What older files tell once more counts more, as in the class; what it doesn't tell would be the
// class's defaults there.
Result<void> expect_the_same(const Json& part, const Json& told_again, std::string_view name) {
  for (const auto& [key, value] : told_again.as_object())
    if (part[key] != value)
      return fail(Errc::unsupported,
                  "{}_dict has {} {}, {} has {}: which of them counts is not "
                  "followed",
                  name, key, dump_json(value), name, dump_json(part[key]));
  return {};
}

}  // namespace

Result<std::vector<NamedGraph>> build_clip(const ClipConfig& config) {
  std::vector<NamedGraph> networks(2);
  networks[0].name = "picture";
  QB_TRY(networks[0].graph, build_picture_tower(config));
  networks[1].name = "text";
  QB_TRY(networks[1].graph, build_text_tower(config));
  return networks;
}

Model clip_model(const ClipConfig& config) {
  return {.task = "zero_shot",
          .context_tokens = config.position_count,
          .image_size_px = config.image_size_px,
          .end_token = config.end_token,
          .build_several = [config] { return build_clip(config); },
          .origins = {{scale_name, {.tensor = "logit_scale", .is_logarithm = true}}},
          // Positions are counted.
          .other_networks = {"text_model.embeddings.position_ids",
                             "vision_model.embeddings.position_ids"}};
}

Result<Model> read_clip(Config c) {
  QB_CHECK(expect_the_same(c["vision_config"], c["vision_config_dict"], "vision_config"));
  QB_CHECK(expect_the_same(c["text_config"], c["text_config_dict"], "text_config"));
  Config of_pictures(c["vision_config"]);
  Config of_texts(c["text_config"]);
  ClipConfig config = {.name = "clip"};
  of_pictures.expect("num_channels", 3);
  config.picture = read_tower(of_pictures, config.picture);
  config.text.is_causal = true;
  config.text = read_tower(of_texts, config.text);
  config.projection_width = c.size("projection_dim", config.projection_width);
  config.patch_size_px = read_image_size(of_pictures, "patch_size", config.patch_size_px);
  config.vocabulary_size = of_texts.size("vocab_size", config.vocabulary_size);
  config.position_count = of_texts.size("max_position_embeddings", config.position_count);
  config.end_token = of_texts.size("eos_token_id", config.end_token);
  const PictureFields fields =
      read_picture_fields(c, read_image_size(of_pictures, "image_size", config.image_size_px));
  config.image_size_px = fields.image_size_px;
  if (config.patch_size_px > config.image_size_px)
    c.fail_with({Errc::bad_input, fmt::format("a patch of {} px is larger than the picture of {}",
                                              config.patch_size_px, config.image_size_px)});
  QB_CHECK(with_context(of_pictures.check(), "vision_config"));
  QB_CHECK(with_context(of_texts.check(), "text_config"));
  QB_CHECK(c.check());
  Model model = clip_model(config);
  use_preprocessing(model, fields);
  return model;
}

}  // namespace qb::models
