#include "network/models/llama.h"

#include "network/models/architectures.h"

namespace qb::models {

using ir::Builder;
using ir::Value;

namespace {

AttentionBlock attention_of(const LlamaConfig& config, int64_t layer) {
  const DecoderSizes& sizes = config.sizes;
  const int64_t window = config.windows.empty() ? 0 : config.windows[static_cast<size_t>(layer)];
  return {.width = sizes.width,
          .heads = {.head_count = sizes.head_count,
                    .kv_head_count = sizes.kv_head_count,
                    .head_dim = sizes.head_dim,
                    .rotary = config.rotary,
                    // One that holds the whole context is none.
                    .window_tokens = window < sizes.context_tokens ? window : 0},
          .qkv_biases = config.qkv_biases,
          .output_bias = config.output_bias,
          .qk_norm_eps = config.qk_norms ? config.rms_norm_eps : 0.0};
}

Value feed_forward(Builder& b, Value x, const LlamaConfig& config, const std::string& prefix) {
  const int64_t width = config.sizes.width;
  const int64_t ffn_width = config.sizes.ffn_width;
  const Value gate = project(b, x, prefix + ".gate_proj", ffn_width, width, config.ffn_biases);
  const Value up = project(b, x, prefix + ".up_proj", ffn_width, width, config.ffn_biases);
  return project(b, b.multiply(b.silu(gate), up), prefix + ".down_proj", width, ffn_width,
                 config.ffn_biases);
}

}  // namespace

Result<ir::Graph> build_llama(const LlamaConfig& config) {
  const double epsilon = config.rms_norm_eps;
  Builder b(config.sizes.name);
  const DecoderInputs inputs = decoder_inputs(b);
  const ir::Shape table = {config.sizes.vocabulary_size, config.sizes.width};
  const std::string embedding = "model.embed_tokens.weight";
  Value x = b.embedding(inputs.tokens, b.parameter(embedding, table));
  for (int64_t i = 0; i < config.sizes.layer_count; ++i) {
    const std::string layer = fmt::format("model.layers.{}.", i);
    const Value normed = b.rms_norm(x, layer + "input_layernorm.weight", epsilon);
    x = b.add(x, attend(b, normed, attention_of(config, i), layer + "self_attn"));
    const Value widened = b.rms_norm(x, layer + "post_attention_layernorm.weight", epsilon);
    x = b.add(x, feed_forward(b, widened, config, layer + "mlp"));
  }
  x = b.rms_norm(b.select_positions(x, inputs.positions), "model.norm.weight", epsilon);
  b.output(b.linear(x, b.parameter(config.tied_head ? embedding : "lm_head.weight", table)));
  return b.finish();
}

LlamaConfig read_llama_config(Config& c, int64_t default_head_dim) {
  LlamaConfig config = {.sizes = read_sizes(c, default_head_dim),
                        .rms_norm_eps = c.positive("rms_norm_eps", 1e-6),
                        .tied_head = c.flag("tie_word_embeddings", false)};
  const Rope rope = read_rope(c, config.sizes.head_dim);
  config.rotary = rope.options;
  if (rope.context_tokens > 0) config.sizes.context_tokens = rope.context_tokens;
  c.expect("hidden_act", "silu");
  return config;
}

Result<Model> llama_model(const LlamaConfig& config, const Config& read) {
  QB_CHECK(read.check());
  return Model{.context_tokens = config.sizes.context_tokens,
               .build = [config] { return build_llama(config); }};
}

Result<Model> read_llama(Config c) {
  LlamaConfig config = read_llama_config(c);
  config.qkv_biases = config.output_bias = c.flag("attention_bias", false);
  config.ffn_biases = c.flag("mlp_bias", false);
  return llama_model(config, c);
}

}  // namespace qb::models
