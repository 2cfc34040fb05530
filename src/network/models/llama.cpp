#include "network/models/llama.h"

#include "network/ir/builder.h"
#include "network/models/architectures.h"
#include "network/models/rope.h"

namespace qb::models {
namespace {

using ir::Builder;
using ir::Value;

// A product with `prefix`.weight, and its bias where there is one.
Value project(Builder& b, Value x, const std::string& prefix, int64_t out, int64_t in,
              bool has_bias) {
  std::optional<Value> bias;
  if (has_bias) bias = b.parameter(prefix + ".bias", {out});
  return b.linear(x, b.parameter(prefix + ".weight", {out, in}), bias);
}

Value attention(Builder& b, Value x, const LlamaConfig& config, const std::string& layer) {
  const std::string prefix = layer + ".self_attn.";
  const int64_t q_width = config.head_count * config.head_dim;
  const int64_t kv_width = config.kv_head_count * config.head_dim;
  const ir::Shape cache = {ir::Symbol::batch, config.kv_head_count, ir::Symbol::context,
                           config.head_dim};
  const bool biases = config.attention_biases;
  const Value q = project(b, x, prefix + "q_proj", q_width, config.width, biases);
  const Value k = project(b, x, prefix + "k_proj", kv_width, config.width, biases);
  const Value v = project(b, x, prefix + "v_proj", kv_width, config.width, biases);
  const Value attended = b.cached_attention(q, k, v, b.state(prefix + "key_cache", cache),
                                            b.state(prefix + "value_cache", cache),
                                            {.head_count = config.head_count,
                                             .kv_head_count = config.kv_head_count,
                                             .head_dim = config.head_dim,
                                             .rope_theta = config.rope_theta});
  return project(b, attended, prefix + "o_proj", config.width, q_width, biases);
}

Value feed_forward(Builder& b, Value x, const LlamaConfig& config, const std::string& layer) {
  const std::string prefix = layer + ".mlp.";
  const bool biases = config.ffn_biases;
  const Value gate = project(b, x, prefix + "gate_proj", config.ffn_width, config.width, biases);
  const Value up = project(b, x, prefix + "up_proj", config.ffn_width, config.width, biases);
  return project(b, b.multiply(b.silu(gate), up), prefix + "down_proj", config.width,
                 config.ffn_width, biases);
}

constexpr int64_t layer_count_max = 4096;

// The fields that models of Llama's kind share.
Result<LlamaConfig> read_sizes(Config& c) {
  LlamaConfig config = {.name = c.text("model_type", "llama"),
                        .layer_count = c.size("num_hidden_layers"),
                        .width = c.size("hidden_size"),
                        .ffn_width = c.size("intermediate_size"),
                        .head_count = c.size("num_attention_heads"),
                        .vocabulary_size = c.size("vocab_size"),
                        .context_tokens = c.size("max_position_embeddings", 2048),
                        .rope_theta = rope_theta_of(c),
                        .rms_norm_eps = c.positive("rms_norm_eps", 1e-6),
                        .tied_head = c.flag("tie_word_embeddings", false)};
  config.kv_head_count = c.size("num_key_value_heads", config.head_count);
  config.head_dim = c.size("head_dim", config.width / config.head_count);
  c.expect("hidden_act", "silu");
  QB_CHECK(c.check());
  if (config.layer_count > layer_count_max)
    return fail(Errc::bad_input, "num_hidden_layers is {}, {} are the most", config.layer_count,
                layer_count_max);
  if (config.head_count % config.kv_head_count != 0)
    return fail(Errc::bad_input, "{} heads can't share {} of keys and values", config.head_count,
                config.kv_head_count);
  if (config.head_dim < 2 || config.head_dim % 2 != 0)
    return fail(Errc::bad_input, "head_dim is {}, and pairs of it turn", config.head_dim);
  return config;
}

Model model_of(const LlamaConfig& config) {
  return {.context_tokens = config.context_tokens,
          .build = [config] { return build_llama(config); }};
}

}  // namespace

Result<ir::Graph> build_llama(const LlamaConfig& config) {
  Builder b(config.name);
  const Value tokens =
      b.input("tokens", ElementType::i64, {ir::Symbol::batch, ir::Symbol::sequence});
  const Value positions = b.input("positions", ElementType::i64, {ir::Symbol::selected});
  const ir::Shape table = {config.vocabulary_size, config.width};
  const std::string embedding = "model.embed_tokens.weight";
  Value x = b.embedding(tokens, b.parameter(embedding, table));
  for (int64_t i = 0; i < config.layer_count; ++i) {
    const std::string layer = fmt::format("model.layers.{}", i);
    const Value normed = b.rms_norm(x, layer + ".input_layernorm.weight", config.rms_norm_eps);
    x = b.add(x, attention(b, normed, config, layer));
    const Value widened =
        b.rms_norm(x, layer + ".post_attention_layernorm.weight", config.rms_norm_eps);
    x = b.add(x, feed_forward(b, widened, config, layer));
  }
  x = b.rms_norm(b.select_positions(x, positions), "model.norm.weight", config.rms_norm_eps);
  b.output(b.linear(x, b.parameter(config.tied_head ? embedding : "lm_head.weight", table)));
  return b.finish();
}

Result<Model> read_llama(Config c) {
  QB_TRY(LlamaConfig config, read_sizes(c));
  config.attention_biases = c.flag("attention_bias", false);
  config.ffn_biases = c.flag("mlp_bias", false);
  QB_CHECK(c.check());
  return model_of(config);
}

// Llama with a window, which is not followed here yet.
Result<Model> read_mistral(Config c) {
  QB_TRY(const LlamaConfig config, read_sizes(c));
  if (!c.contains("sliding_window") || !c["sliding_window"].is_null())
    return fail(Errc::unsupported, "sliding_window is not followed");
  return model_of(config);
}

}  // namespace qb::models
