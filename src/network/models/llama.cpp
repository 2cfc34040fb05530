#include "network/models/llama.h"

#include "network/ir/builder.h"

namespace qb::models {
namespace {

using ir::Builder;
using ir::Value;

Value attention(Builder& b, Value x, const LlamaConfig& config, const std::string& layer) {
  const std::string prefix = layer + ".self_attn.";
  const int64_t q_width = config.head_count * config.head_dim;
  const int64_t kv_width = config.kv_head_count * config.head_dim;
  const ir::Shape cache = {ir::Symbol::batch, config.kv_head_count, ir::Symbol::context,
                           config.head_dim};
  const Value q = b.linear(x, b.parameter(prefix + "q_proj.weight", {q_width, config.width}));
  const Value k = b.linear(x, b.parameter(prefix + "k_proj.weight", {kv_width, config.width}));
  const Value v = b.linear(x, b.parameter(prefix + "v_proj.weight", {kv_width, config.width}));
  const Value attended = b.cached_attention(q, k, v, b.state(prefix + "key_cache", cache),
                                            b.state(prefix + "value_cache", cache),
                                            {.head_count = config.head_count,
                                             .kv_head_count = config.kv_head_count,
                                             .head_dim = config.head_dim,
                                             .rotary = {.theta = config.rope_theta}});
  return b.linear(attended, b.parameter(prefix + "o_proj.weight", {config.width, q_width}));
}

Value feed_forward(Builder& b, Value x, const LlamaConfig& config, const std::string& layer) {
  const std::string prefix = layer + ".mlp.";
  const ir::Shape widen = {config.ffn_width, config.width};
  const Value gate = b.linear(x, b.parameter(prefix + "gate_proj.weight", widen));
  const Value up = b.linear(x, b.parameter(prefix + "up_proj.weight", widen));
  return b.linear(b.multiply(b.silu(gate), up),
                  b.parameter(prefix + "down_proj.weight", {config.width, config.ffn_width}));
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

}  // namespace qb::models
