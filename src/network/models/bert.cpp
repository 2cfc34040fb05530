#include "network/models/bert.h"

#include <algorithm>

#include "network/models/architectures.h"
#include "network/models/decoder.h"

namespace qb::models {
namespace {

using ir::Builder;
using ir::Value;

constexpr const char* segment = "embeddings.token_type_embeddings.first";

Value attend(Builder& b, Value x, Value mask, const BertConfig& c, const std::string& prefix) {
  const Value q = project(b, x, prefix + ".self.query", c.width, c.width, true);
  const Value k = project(b, x, prefix + ".self.key", c.width, c.width, true);
  const Value v = project(b, x, prefix + ".self.value", c.width, c.width, true);
  const ir::AttentionOptions heads = {.head_count = c.head_count,
                                      .kv_head_count = c.head_count,
                                      .head_dim = c.width / c.head_count};
  return project(b, b.attention(q, k, v, heads, mask), prefix + ".output.dense", c.width, c.width,
                 true);
}

Value feed_forward(Builder& b, Value x, const BertConfig& c, const std::string& layer) {
  const Value widened = project(b, x, layer + "intermediate.dense", c.ffn_width, c.width, true);
  return project(b, activate(b, widened, c.activation), layer + "output.dense", c.width,
                 c.ffn_width, true);
}

Value embed(Builder& b, Value tokens, const BertConfig& c) {
  const std::string prefix = "embeddings.";
  const Value words = b.embedding(
      tokens, b.parameter(prefix + "word_embeddings.weight", {c.vocabulary_size, c.width}));
  const Value positions =
      b.parameter(prefix + "position_embeddings.weight", {c.position_count, c.width});
  const Value x = b.add(words, b.parameter(segment, {1, c.width}));
  return b.layer_norm(b.apply(ir::Op::add_positions, {x, positions}), prefix + "LayerNorm",
                      c.layer_norm_eps);
}

Result<ir::Graph> build_bert(const BertConfig& c) {
  Builder b(c.name);
  const Value tokens =
      b.input("tokens", ElementType::i64, {ir::Symbol::batch, ir::Symbol::sequence});
  const Value mask = b.input("mask", ElementType::i64, {ir::Symbol::batch, ir::Symbol::sequence});
  Value x = embed(b, tokens, c);
  for (int64_t i = 0; i < c.layer_count; ++i) {
    const std::string layer = fmt::format("encoder.layer.{}.", i);
    x = b.layer_norm(b.add(x, attend(b, x, mask, c, layer + "attention")),
                     layer + "attention.output.LayerNorm", c.layer_norm_eps);
    x = b.layer_norm(b.add(x, feed_forward(b, x, c, layer)), layer + "output.LayerNorm",
                     c.layer_norm_eps);
  }
  b.output(sentence_vector(b, x, mask, c.sentence));
  return b.finish();
}

}  // namespace

Model bert_model(const BertConfig& config) {
  const int64_t cut = config.sentence.max_tokens;
  return {.task = "embedding",
          .context_tokens = cut > 0 ? std::min(cut, config.position_count) : config.position_count,
          .build = [config] { return build_bert(config); },
          .origins = {{segment,
                       {.tensor = "embeddings.token_type_embeddings.weight", .is_part = true}}},
          // The pooler is of another task; positions are counted.
          .other_networks = {"pooler.", "embeddings.position_ids"}};
}

Result<Model> read_bert(Config c) {
  const BertConfig config = {.name = c.text("model_type", "bert"),
                             .layer_count = c.size("num_hidden_layers"),
                             .width = c.size("hidden_size"),
                             .ffn_width = c.size("intermediate_size"),
                             .head_count = c.size("num_attention_heads"),
                             .vocabulary_size = c.size("vocab_size"),
                             .position_count = c.size("max_position_embeddings"),
                             .layer_norm_eps = c.positive("layer_norm_eps", 1e-12),
                             .activation = read_activation(c, "hidden_act", "gelu"),
                             .sentence = read_sentence(c)};
  constexpr int64_t layer_count_max = 4096;
  if (config.layer_count > layer_count_max)
    c.fail_with({Errc::bad_input, fmt::format("num_hidden_layers is {}, {} are the most",
                                              config.layer_count, layer_count_max)});
  if (config.width % config.head_count != 0)
    c.fail_with({Errc::bad_input, fmt::format("{} heads can't share a width of {}",
                                              config.head_count, config.width)});
  c.expect("position_embedding_type", "absolute");
  c.expect("is_decoder", false);
  c.expect("add_cross_attention", false);
  QB_CHECK(c.check());
  return bert_model(config);
}

}  // namespace qb::models
