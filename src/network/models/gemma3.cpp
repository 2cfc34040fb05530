// Gemma 3's text networks (Gemma Team 2025): four norms a block, normalised queries and keys,
// a gate by GELU, windows in most layers, which have a rotary base of their own.
#include <algorithm>
#include <cmath>

#include "base/float16.h"
#include "network/models/architectures.h"
#include "network/models/decoder.h"

namespace qb::models {
namespace {

using ir::Builder;
using ir::Value;

struct Gemma3Config {
  DecoderSizes sizes;
  ir::RotaryOptions full_rotary, windowed_rotary;
  std::vector<int64_t> windows;
  double rms_norm_eps = 1e-6;
  double embedding_scale = 1.0;
  double attention_scale = 1.0;
  double softcap = 0.0;  // of the logits; 0: none
  bool tied_head = true;
};

AttentionBlock attention_of(const Gemma3Config& config, int64_t layer) {
  const int64_t window = config.windows[static_cast<size_t>(layer)];
  return {.width = config.sizes.width,
          .heads = {.head_count = config.sizes.head_count,
                    .kv_head_count = config.sizes.kv_head_count,
                    .head_dim = config.sizes.head_dim,
                    .rotary = window > 0 ? config.windowed_rotary : config.full_rotary,
                    .scale = config.attention_scale,
                    .window_tokens = window},
          .qk_norm_eps = config.rms_norm_eps};
}

Value feed_forward(Builder& b, Value x, const DecoderSizes& sizes, const std::string& prefix) {
  const Value gate = project(b, x, prefix + ".gate_proj", sizes.ffn_width, sizes.width);
  const Value up = project(b, x, prefix + ".up_proj", sizes.ffn_width, sizes.width);
  return project(b, b.multiply(b.apply(ir::Op::gelu_tanh, {gate}), up), prefix + ".down_proj",
                 sizes.width, sizes.ffn_width);
}

Result<ir::Graph> build_gemma3(const Gemma3Config& config) {
  const DecoderSizes& sizes = config.sizes;
  Builder b(sizes.name);
  const DecoderInputs inputs = decoder_inputs(b);
  const ir::Shape table = {sizes.vocabulary_size, sizes.width};
  const std::string embedding = "model.embed_tokens.weight";
  Value x =
      b.scale(b.embedding(inputs.tokens, b.parameter(embedding, table)), config.embedding_scale);
  for (int64_t i = 0; i < sizes.layer_count; ++i) {
    const std::string layer = fmt::format("model.layers.{}.", i);
    const auto norm = [&](Value value, const char* name) {
      return b.rms_norm(value, layer + name + ".weight", config.rms_norm_eps);
    };
    const Value attended =
        attend(b, norm(x, "input_layernorm"), attention_of(config, i), layer + "self_attn");
    x = b.add(x, norm(attended, "post_attention_layernorm"));
    const Value fed = feed_forward(b, norm(x, "pre_feedforward_layernorm"), sizes, layer + "mlp");
    x = b.add(x, norm(fed, "post_feedforward_layernorm"));
  }
  x = b.rms_norm(b.select_positions(x, inputs.positions), "model.norm.weight", config.rms_norm_eps);
  x = b.linear(x, b.parameter(config.tied_head ? embedding : "lm_head.weight", table));
  if (config.softcap > 0.0)
    x = b.scale(b.apply(ir::Op::tanh, {b.scale(x, 1.0 / config.softcap)}), config.softcap);
  b.output(x);
  return b.finish();
}

// sqrt(width), as the type that the weights have holds it.
double embedding_scale_of(const Config& c, int64_t width) {
  const auto scale = static_cast<float>(std::sqrt(static_cast<double>(width)));
  const std::string& type = c[c.contains("dtype") ? "dtype" : "torch_dtype"].as_string();
  if (type == "bfloat16") return bf16_to_float(float_to_bf16(scale));
  if (type == "float16") return fp16_to_float(float_to_fp16(scale));
  return scale;
}

// New: rope_parameters {full_attention, sliding_attention}. Old: rope_theta and rope_scaling of the
// full layers, rope_local_base_freq of the others.
void read_ropes(Config& c, Gemma3Config& config) {
  const Json& parameters = c["rope_parameters"];
  const Json none;
  const bool is_new = parameters.is_object();
  Config full(is_new ? parameters["full_attention"] : none);
  Config windowed(is_new ? parameters["sliding_attention"] : none);
  const double full_theta = (is_new ? full : c).positive("rope_theta", 1e6);
  const double windowed_theta =
      is_new ? windowed.positive("rope_theta", 1e4) : c.positive("rope_local_base_freq", 1e4);
  for (const Config* part : {&full, &windowed})
    if (const auto checked = part->check(); !checked) c.fail_with(checked.error());
  const int64_t dims = config.sizes.head_dim;
  config.full_rotary =
      rope_of(c, is_new ? parameters["full_attention"] : c["rope_scaling"], full_theta, dims)
          .options;
  config.windowed_rotary =
      rope_of(c, is_new ? parameters["sliding_attention"] : none, windowed_theta, dims).options;
}

// Files have norms less 1: the network multiplies by 1 + w.
void add_norm_origins(Model& model) {
  const Result<ir::Graph> graph = model.build();
  if (!graph) return;
  for (const ir::Value value : graph->of_kind(ir::ValueKind::parameter))
    if (const std::string& name = (*graph)[value].name; name.find("norm.") != std::string::npos)
      model.origins[name] = {.tensor = name, .offset = 1.0};
}

// What a text_config leaves away: the hub's have little but the sizes.
Json with_defaults(Json text) {
  const Json::Member defaults[] = {{"vocab_size", 262208},
                                   {"num_attention_heads", 8},
                                   {"num_key_value_heads", 4},
                                   {"max_position_embeddings", 131072}};
  for (const auto& [key, value] : defaults)
    if (text[key].is_null()) text.set(key, value);
  return text;
}

}  // namespace

Result<Model> read_gemma3(Config c) {
  Gemma3Config config = {.sizes = read_sizes(c, 256),
                         .rms_norm_eps = c.positive("rms_norm_eps", 1e-6),
                         .tied_head = c.flag("tie_word_embeddings", true)};
  read_ropes(c, config);
  config.windows = layer_windows(
      c, config.sizes.layer_count, c.size("sliding_window", 4096),
      [](const Config& read, int64_t layer) {
        return (layer + 1) % std::max<int64_t>(read["sliding_window_pattern"].as_int(6), 1) != 0;
      });
  config.embedding_scale = embedding_scale_of(c, config.sizes.width);
  config.attention_scale = 1.0 / std::sqrt(c.positive("query_pre_attn_scalar", 256.0));
  if (!c["final_logit_softcapping"].is_null())
    config.softcap = c.positive("final_logit_softcapping");
  for (const char* key : {"hidden_activation", "hidden_act"}) c.expect(key, "gelu_pytorch_tanh");
  c.expect("attention_bias", false);
  c.expect("use_bidirectional_attention", false);
  if (!c["attn_logit_softcapping"].is_null())
    c.fail_with({Errc::unsupported, "attn_logit_softcapping is not followed"});
  QB_CHECK(c.check());
  Model model = {.context_tokens = config.sizes.context_tokens,
                 .build = [config] { return build_gemma3(config); }};
  add_norm_origins(model);
  return model;
}

// The text network of one that sees pictures too.
Result<Model> read_gemma3_with_pictures(Config config) {
  const Config whole = std::move(config);
  Json text = with_defaults(whole["text_config"]);
  for (const char* type : {"dtype", "torch_dtype"})
    if (!whole[type].is_null()) text.set(type, whole[type]);
  QB_TRY(Model model, read_gemma3(Config(text)));
  QB_TRY(const ir::Graph graph, model.build());
  for (const ir::Value value : graph.of_kind(ir::ValueKind::parameter)) {
    const std::string& name = graph[value].name;
    Origin& origin = model.origins[name];
    origin.tensor = "language_model." + name;
  }
  model.other_networks = {"vision_tower.", "multi_modal_projector."};
  return model;
}

}  // namespace qb::models
