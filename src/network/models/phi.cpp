// Phi-1, Phi-1.5 and Phi-2 (Li et al. 2023): attention and a plain feed-forward network side by
// side behind one LayerNorm, rotary embedding of a part of each head, biases everywhere.
#include "network/models/architectures.h"
#include "network/models/decoder.h"

namespace qb::models {
namespace {

using ir::Builder;
using ir::Value;

struct PhiConfig {
  DecoderSizes sizes;
  ir::RotaryOptions rotary;
  double layer_norm_eps = 1e-5;
};

Value feed_forward(Builder& b, Value x, const DecoderSizes& sizes, const std::string& prefix) {
  const Value widened = project(b, x, prefix + ".fc1", sizes.ffn_width, sizes.width, true);
  const Value active = b.apply(ir::Op::gelu_tanh, {widened});
  return project(b, active, prefix + ".fc2", sizes.width, sizes.ffn_width, true);
}

Result<ir::Graph> build_phi(const PhiConfig& config) {
  const DecoderSizes& sizes = config.sizes;
  const AttentionBlock attention = {.width = sizes.width,
                                    .heads = {.head_count = sizes.head_count,
                                              .kv_head_count = sizes.kv_head_count,
                                              .head_dim = sizes.head_dim,
                                              .rotary = config.rotary},
                                    .qkv_biases = true,
                                    .output_bias = true,
                                    .output = "dense"};
  Builder b(sizes.name);
  const DecoderInputs inputs = decoder_inputs(b);
  Value x = b.embedding(inputs.tokens, b.parameter("model.embed_tokens.weight",
                                                   {sizes.vocabulary_size, sizes.width}));
  for (int64_t i = 0; i < sizes.layer_count; ++i) {
    const std::string layer = fmt::format("model.layers.{}.", i);
    const Value normed = b.layer_norm(x, layer + "input_layernorm", config.layer_norm_eps);
    x = b.add(b.add(x, attend(b, normed, attention, layer + "self_attn")),
              feed_forward(b, normed, sizes, layer + "mlp"));
  }
  x = b.layer_norm(b.select_positions(x, inputs.positions), "model.final_layernorm",
                   config.layer_norm_eps);
  b.output(project(b, x, "lm_head", sizes.vocabulary_size, sizes.width, true));
  return b.finish();
}

}  // namespace

Result<Model> read_phi(Config c) {
  PhiConfig config = {.sizes = read_sizes(c), .layer_norm_eps = c.positive("layer_norm_eps", 1e-5)};
  const Rope rope = read_rope(c, config.sizes.head_dim, 0.5);
  config.rotary = rope.options;
  c.expect("hidden_act", "gelu_new");
  c.expect("qk_layernorm", false);
  c.expect("tie_word_embeddings", false);
  QB_CHECK(c.check());
  return Model{.context_tokens = config.sizes.context_tokens,
               .build = [config] { return build_phi(config); }};
}

}  // namespace qb::models
