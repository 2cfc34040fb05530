#include "network/models/vit.h"

#include <algorithm>

#include "base/number.h"
#include "network/models/architectures.h"
#include "network/models/picture_model.h"

namespace qb::models {
namespace {

using ir::Builder;
using ir::Op;
using ir::Value;

constexpr TransformerNames names = {"norm1",     "attn.q", "attn.k",  "attn.v",
                                    "attn.proj", "norm2",  "mlp.fc1", "mlp.fc2"};

int64_t patch_count(const VitConfig& c) {
  const int64_t side = c.image_size_px / c.patch_size_px;
  return side * side;
}

// Of the patches alone: the class token's share is taken out of the mean of all.
Value mean_of_patches(Builder& b, Value x, const VitConfig& c) {
  const Value all = b.apply(Op::mean_tokens, {x});
  if (!c.has_class_token) return all;
  const auto count = static_cast<double>(patch_count(c));
  return b.add(b.scale(all, (count + 1.0) / count),
               b.scale(b.apply(Op::pick_tokens, {x}), -1.0 / count));
}

// "blocks.3.attn.q.weight" → "vit.encoder.layer.3.attention.attention.query.weight"
std::string transformers_name(const std::string& parameter) {
  struct Pair {
    std::string_view here, there;
  };
  constexpr Pair ends[] = {
      {"norm1", "layernorm_before"},           {"norm2", "layernorm_after"},
      {"attn.q", "attention.attention.query"}, {"attn.k", "attention.attention.key"},
      {"attn.v", "attention.attention.value"}, {"attn.proj", "attention.output.dense"},
      {"mlp.fc1", "intermediate.dense"},       {"mlp.fc2", "output.dense"}};
  constexpr Pair wholes[] = {{"cls_token", "vit.embeddings.cls_token"},
                             {"pos_embed", "vit.embeddings.position_embeddings"},
                             {"patch_embed.proj", "vit.embeddings.patch_embeddings.projection"},
                             {"norm", "vit.layernorm"},
                             {"head", "classifier"}};
  for (const auto& [here, there] : wholes)
    if (parameter == here || parameter.starts_with(fmt::format("{}.", here)))
      return fmt::format("{}{}", there, parameter.substr(here.size()));
  const std::vector<std::string> parts = split(parameter, '.');
  const size_t first = parts[0].size() + parts[1].size() + 2;
  const std::string_view rest = std::string_view(parameter).substr(first);
  const size_t dot = rest.rfind('.');
  const auto pair = std::ranges::find(ends, rest.substr(0, dot), &Pair::here);
  return fmt::format("vit.encoder.layer.{}.{}{}", parts[1], pair->there, rest.substr(dot));
}

// timm keeps the rows of q, k and v in one tensor.
void join_qkv(Model& model, const VitConfig& config) {
  for (int64_t i = 0; i < config.sizes.layer_count; ++i) {
    int64_t first_row = 0;
    for (const char* part : {"q", "k", "v"}) {
      for (const char* kind : {"weight", "bias"})
        model.origins.emplace(fmt::format("blocks.{}.attn.{}.{}", i, part, kind),
                              Origin{.tensor = fmt::format("blocks.{}.attn.qkv.{}", i, kind),
                                     .first_row = first_row});
      first_row += config.sizes.width;
    }
  }
}

void check_patches(Config& c, const VitConfig& config) {
  check_sizes(c, config.sizes);
  if (config.patch_size_px > config.image_size_px)
    c.fail_with({Errc::bad_input, fmt::format("a patch of {} px is larger than the picture of {}",
                                              config.patch_size_px, config.image_size_px)});
}

Model model_of(const VitConfig& config, const PictureFields& fields) {
  return classifier(fields, [config] { return build_vit(config); });
}

struct KnownVit {
  std::string_view size;
  int64_t width, layer_count, head_count;
};
constexpr KnownVit known_vits[] = {
    {"tiny", 192, 12, 3}, {"small", 384, 12, 6}, {"base", 768, 12, 12}, {"large", 1024, 24, 16}};

// vit_base_patch16_224, its patches of 16 px at 224.
std::optional<VitConfig> parse_timm_name(const std::string& name) {
  const std::vector<std::string> parts = split(name, '_');
  constexpr std::string_view patch = "patch";
  if (parts.size() != 4 || parts[0] != "vit" || !parts[2].starts_with(patch)) return {};
  const auto known = std::ranges::find(known_vits, parts[1], &KnownVit::size);
  const auto patch_px = parse_number<int64_t>(std::string_view(parts[2]).substr(patch.size()));
  const auto size_px = parse_number<int64_t>(parts[3]);
  if (known == std::end(known_vits) || !patch_px || !size_px) return {};
  constexpr double layer_norm_eps = 1e-6;
  return VitConfig{.name = name,
                   .sizes = {.layer_count = known->layer_count,
                             .width = known->width,
                             .head_count = known->head_count,
                             .layer_norm_eps = layer_norm_eps},
                   .patch_size_px = *patch_px,
                   .image_size_px = *size_px};
}

}  // namespace

ir::Value patches_of(Builder& b, Value image, const std::string& prefix, int64_t width,
                     int64_t patch_size_px, bool has_bias) {
  const Value weight = b.parameter(prefix + ".weight", {width, 3, patch_size_px, patch_size_px});
  std::optional<Value> bias;
  if (has_bias) bias = b.parameter(prefix + ".bias", {width});
  return b.apply(Op::to_tokens, {b.conv2d(image, weight, {.stride = patch_size_px}, bias)});
}

Result<ir::Graph> build_vit(const VitConfig& c) {
  Builder b(c.name);
  const int64_t size_px = c.image_size_px;
  const int64_t width = c.sizes.width;
  const Value image = b.input("image", ElementType::f32, {ir::Symbol::batch, 3, size_px, size_px});
  Value x = patches_of(b, image, "patch_embed.proj", width, c.patch_size_px, true);
  if (c.has_class_token) x = b.apply(Op::prepend_token, {x, b.parameter("cls_token", {width})});
  const int64_t token_count = patch_count(c) + (c.has_class_token ? 1 : 0);
  x = b.apply(Op::add_positions, {x, b.parameter("pos_embed", {token_count, width})});
  for (int64_t i = 0; i < c.sizes.layer_count; ++i)
    x = transformer_block(b, x, c.sizes, names, fmt::format("blocks.{}.", i));
  x = c.uses_mean ? b.layer_norm(mean_of_patches(b, x, c), "fc_norm", c.sizes.layer_norm_eps)
                  : b.apply(Op::pick_tokens, {b.layer_norm(x, "norm", c.sizes.layer_norm_eps)});
  b.output(b.linear(x, b.parameter("head.weight", {c.class_count, width}),
                    b.parameter("head.bias", {c.class_count})));
  return b.finish();
}

Result<Model> read_vit(Config c) {
  constexpr int64_t usual_size_px = 224;
  const PictureFields fields =
      read_picture_fields(c, read_image_size(c, "image_size", usual_size_px));
  const VitConfig config = {.name = "vit",
                            .sizes = {.layer_count = c.size("num_hidden_layers", 12),
                                      .width = c.size("hidden_size", 768),
                                      .ffn_width = c.size("intermediate_size", 3072),
                                      .head_count = c.size("num_attention_heads", 12),
                                      .layer_norm_eps = c.positive("layer_norm_eps", 1e-12),
                                      .activation = read_activation(c, "hidden_act", "gelu"),
                                      .qkv_biases = c.flag("qkv_bias", true)},
                            .patch_size_px = read_image_size(c, "patch_size", 16),
                            .image_size_px = fields.image_size_px,
                            .class_count = fields.class_count};
  check_patches(c, config);
  if (c.contains("head_dim")) c.expect("head_dim", config.sizes.width / config.sizes.head_count);
  QB_CHECK(c.check());
  Model model = model_of(config, fields);
  QB_CHECK(rename_parameters(model, transformers_name));
  return model;
}

Result<Model> read_timm_vit(Config c) {
  std::optional<VitConfig> known = parse_timm_name(c.text("architecture", ""));
  if (!known) return unknown_timm(c.text("architecture", ""));
  VitConfig& config = *known;
  const PictureFields fields = read_timm_fields(c);
  expect_model_args(c, {"img_size", "patch_size", "embed_dim", "depth", "num_heads", "mlp_ratio",
                        "qkv_bias", "class_token"});
  Config args(c["model_args"]);
  config.sizes.width = args.size("embed_dim", config.sizes.width);
  config.sizes.layer_count = args.size("depth", config.sizes.layer_count);
  config.sizes.head_count = args.size("num_heads", config.sizes.head_count);
  config.sizes.ffn_width = static_cast<int64_t>(static_cast<double>(config.sizes.width) *
                                                args.positive("mlp_ratio", 4.0));
  config.sizes.qkv_biases = args.flag("qkv_bias", true);
  config.patch_size_px = read_image_size(args, "patch_size", config.patch_size_px);
  config.has_class_token = args.flag("class_token", true);
  QB_CHECK(with_context(args.check(), "model_args"));
  const std::string pool = args.text("global_pool", c.text("global_pool", "token"));
  config.uses_mean = pool == "avg";
  if (pool != "avg" && pool != "token")
    c.fail_with({Errc::unsupported,
                 fmt::format("global_pool is \"{}\", followed are token and avg", pool)});
  config.image_size_px = fields.image_size_px;
  config.class_count = fields.class_count;
  check_patches(c, config);
  QB_CHECK(c.check());
  Model model = model_of(config, fields);
  join_qkv(model, config);
  return model;
}

}  // namespace qb::models
