#include "network/models/decoder.h"

#include <algorithm>

namespace qb::models {

using ir::Builder;
using ir::Value;

DecoderSizes read_sizes(Config& c, int64_t default_head_dim) {
  constexpr int64_t layer_count_max = 4096;
  DecoderSizes sizes = {.name = c.text("model_type", "decoder"),
                        .layer_count = c.size("num_hidden_layers"),
                        .width = c.size("hidden_size"),
                        .ffn_width = c.size("intermediate_size"),
                        .head_count = c.size("num_attention_heads"),
                        .vocabulary_size = c.size("vocab_size"),
                        .context_tokens = c.size("max_position_embeddings")};
  sizes.kv_head_count = c.size("num_key_value_heads", sizes.head_count);
  sizes.head_dim =
      c.size("head_dim", default_head_dim > 0 ? default_head_dim : sizes.width / sizes.head_count);
  const auto refuse = [&](std::string message) {
    c.fail_with({Errc::bad_input, std::move(message)});
  };
  if (sizes.layer_count > layer_count_max)
    refuse(fmt::format("num_hidden_layers is {}, {} are the most", sizes.layer_count,
                       layer_count_max));
  if (sizes.head_count % sizes.kv_head_count != 0)
    refuse(fmt::format("{} heads can't share {} of keys and values", sizes.head_count,
                       sizes.kv_head_count));
  if (sizes.head_dim < 2 || sizes.head_dim % 2 != 0)
    refuse(fmt::format("head_dim is {}, and pairs of it turn", sizes.head_dim));
  return sizes;
}

std::vector<int64_t> layer_windows(Config& config, int64_t layer_count, int64_t window_tokens,
                                   bool (*is_windowed)(const Config&, int64_t)) {
  const Json::Array& types = config["layer_types"].as_array();
  std::vector<int64_t> windows;
  if (!types.empty() && static_cast<int64_t>(types.size()) != layer_count) {
    config.fail_with({Errc::bad_input, fmt::format("layer_types has {} entries for {} layers",
                                                   types.size(), layer_count)});
    return windows;
  }
  for (int64_t layer = 0; layer < std::min<int64_t>(layer_count, 1 << 16); ++layer) {
    bool has_window = is_windowed(config, layer);
    if (!types.empty()) {
      const std::string& type = types[static_cast<size_t>(layer)].as_string();
      has_window = type == "sliding_attention";
      if (!has_window && type != "full_attention")
        config.fail_with(
            {Errc::unsupported, fmt::format("layer_types: \"{}\" is not followed", type)});
    }
    windows.push_back(has_window ? window_tokens : 0);
  }
  return windows;
}

DecoderInputs decoder_inputs(Builder& b) {
  const Value tokens =
      b.input("tokens", ElementType::i64, {ir::Symbol::batch, ir::Symbol::sequence});
  const Value positions = b.input("positions", ElementType::i64, {ir::Symbol::selected});
  return {tokens, positions};
}

Value project(Builder& b, Value x, const std::string& prefix, int64_t out, int64_t in,
              bool has_bias) {
  std::optional<Value> bias;
  if (has_bias) bias = b.parameter(prefix + ".bias", {out});
  return b.linear(x, b.parameter(prefix + ".weight", {out, in}), bias);
}

Value attend(Builder& b, Value x, const AttentionBlock& block, const std::string& prefix) {
  const ir::CachedAttentionOptions& heads = block.heads;
  const int64_t q_width = heads.head_count * heads.head_dim;
  const int64_t kv_width = heads.kv_head_count * heads.head_dim;
  const ir::Shape cache = {ir::Symbol::batch, heads.kv_head_count, ir::Symbol::context,
                           heads.head_dim};
  Value q = project(b, x, prefix + ".q_proj", q_width, block.width, block.qkv_biases);
  Value k = project(b, x, prefix + ".k_proj", kv_width, block.width, block.qkv_biases);
  const Value v = project(b, x, prefix + ".v_proj", kv_width, block.width, block.qkv_biases);
  if (block.qk_norm_eps > 0.0) {
    q = b.rms_norm(q, prefix + ".q_norm.weight", block.qk_norm_eps, heads.head_dim);
    k = b.rms_norm(k, prefix + ".k_norm.weight", block.qk_norm_eps, heads.head_dim);
  }
  const Value attended = b.cached_attention(q, k, v, b.state(prefix + ".key_cache", cache),
                                            b.state(prefix + ".value_cache", cache), heads);
  return project(b, attended, fmt::format("{}.{}", prefix, block.output), block.width, q_width,
                 block.output_bias);
}

}  // namespace qb::models
