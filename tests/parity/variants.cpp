// Operators that differ by their attributes, or that no scheme touches: in f32.
#include "networks.h"

namespace qb::parity {

using ir::Builder;
using ir::Op;
using ir::Symbol;
using ir::Value;

namespace {

// [batch, sequence, 64] of 4 heads, 2 of keys.
Value attention_of(Builder& b, const ir::CachedAttentionOptions& options) {
  const Value x = vector_input(b, 64);
  const int64_t width = options.head_count * options.head_dim;
  const int64_t kv_width = options.kv_head_count * options.head_dim;
  const ir::Shape cache = {Symbol::batch, options.kv_head_count, Symbol::context, options.head_dim};
  const Value q = b.linear(x, b.parameter("q", {width, 64}));
  const Value k = b.linear(x, b.parameter("k", {kv_width, 64}));
  const Value v = b.linear(x, b.parameter("v", {kv_width, 64}));
  const Value keys = b.state("keys", cache);
  const Value values = b.state("values", cache);
  return b.cached_attention(q, k, v, keys, values, options);
}

struct AttentionRow {
  std::string name;
  ir::CachedAttentionOptions options;
};

const std::vector<AttentionRow>& attention_rows() {
  static const std::vector<AttentionRow> rows = {
      {"partial rotary", {4, 2, 32, {.theta = 1e4, .dims = 16}}},
      {"rotary by factors and a magnitude",
       {4, 4, 16, {.theta = 1e4, .factors = {1, 1, 1.5, 2, 4, 8, 8, 8}, .magnitude = 1.2}}},
      {"partial rotary by factors and a magnitude",
       {4,
        2,
        32,
        {.theta = 1e4, .dims = 16, .factors = {1, 1, 1.5, 2, 4, 8, 8, 8}, .magnitude = 1.2}}},
      {"a scale of its own", {4, 2, 16, {.theta = 1e4}, 0.1}},
      {"a window", {4, 2, 16, {.theta = 1e4}, 0.0, 4}},
      {"a window of one token", {4, 4, 16, {}, 0.0, 1}},
      {"capped scores", {4, 2, 16, {.theta = 1e4}, 1.0, 0, 2.0}},
      {"capped scores in a window", {4, 2, 16, {.theta = 1e4}, 1.0, 3, 2.0}},
      {"heads wider than the network", {4, 1, 32, {.theta = 1e4}}},
      {"rotary of 8 values", {4, 4, 16, {.theta = 1e4, .dims = 8}}},
      {"rotary of 12 values by factors and a magnitude, in a window",
       {4, 2, 16, {1e4, 12, {1, 1, 1.5, 2, 4, 8}, 1.2}, 0.0, 5}},
  };
  return rows;
}

Value mask_input(Builder& b) {
  return b.input("mask", ElementType::i64, {Symbol::batch, Symbol::sequence});
}

// Of an encoder, over batches whose texts are padded to one length.
Value masked_attention(Builder& b, int64_t kv_head_count) {
  const Value x = vector_input(b, 64);
  const Value mask = mask_input(b);
  const Value k = b.linear(x, b.parameter("k", {kv_head_count * 16, 64}));
  const Value v = b.linear(x, b.parameter("v", {kv_head_count * 16, 64}));
  return b.attention(x, k, v, {4, kv_head_count, 16, false}, mask);
}

Value unary(Builder& b, Op op) { return b.apply(op, {b.scale(vector_input(b, 64), 4.0)}); }

Value projected(Builder& b, Value x, const std::string& name, int64_t width) {
  return b.linear(x, b.parameter(name + ".weight", {width, b.shape(x).back().extent}),
                  b.parameter(name + ".bias", {width}));
}

// x + attention(norm x), then that + mlp(norm of it).
Value encoder_block(Builder& b, Value x) {
  const Value h = b.layer_norm(x, "before", 1e-5);
  const Value attended = b.attention(projected(b, h, "q", 64), projected(b, h, "k", 64),
                                     projected(b, h, "v", 64), {4, 4, 16, false});
  const Value y = b.add(x, projected(b, attended, "out", 64));
  const Value wide = projected(b, b.layer_norm(y, "after", 1e-5), "up", 128);
  return b.add(y, projected(b, b.apply(Op::gelu, {wide}), "down", 64));
}

Value conv(Builder& b, Value x, const std::string& name, int64_t out, int64_t kernel,
           int64_t group_count = 1) {
  const Value weight = b.parameter(name, {out, b.shape(x)[1].extent / group_count, kernel, kernel});
  const int64_t pad = kernel / 2;
  return b.batch_norm(
      b.conv2d(x, weight, {.padding = {pad, pad, pad, pad}, .group_count = group_count}),
      name + ".norm", 1e-3);
}

Value classified(Builder& b, Value x) {
  return b.linear(b.flatten(b.global_average_pool(x)),
                  b.parameter("fc", {10, b.shape(x)[1].extent}));
}

}  // namespace

void add_blocks(std::vector<Situation>& all) {
  all.push_back(situation(
      "an encoder of text",
      [](Builder& b) {
        const Value words = b.embedding(tokens_input(b), b.parameter("words", {40, 64}));
        const Value x = b.apply(Op::add_positions, {words, b.parameter("table", {12, 64})});
        return b.apply(Op::l2_normalize, {b.apply(Op::mean_tokens, {encoder_block(b, x)})});
      },
      {5, 12}));
  all.push_back(situation("an encoder of pictures", [](Builder& b) {
    const Value patches =
        b.conv2d(picture_input(b, 3), b.parameter("patches", {64, 3, 3, 3}), {.stride = 3});
    const Value tokens = b.apply(Op::to_tokens, {patches});
    const Value all_tokens = b.apply(Op::prepend_token, {tokens, b.parameter("first", {64})});
    const Value x = b.apply(Op::add_positions, {all_tokens, b.parameter("table", {10, 64})});
    return b.linear(b.apply(Op::pick_tokens, {encoder_block(b, x)}), b.parameter("head", {10, 64}));
  }));
  all.push_back(situation("residual with rectifiers and a pool", [](Builder& b) {
    const Value stem = b.apply(Op::relu, {conv(b, picture_input(b, 3), "stem", 16, 3)});
    const Value x = b.max_pool(stem, {3, 2, {1, 1, 1, 1}});
    const Value y = b.apply(Op::relu, {conv(b, x, "first", 16, 3)});
    return classified(b, b.apply(Op::relu, {b.add(conv(b, y, "second", 16, 1), x)}));
  }));
  all.push_back(situation("inverted residual with hard functions", [](Builder& b) {
    const Value x = picture_input(b, 8);
    Value y = b.apply(Op::hard_swish, {conv(b, x, "expand", 32, 1)});
    y = b.apply(Op::hard_swish, {conv(b, y, "depthwise", 32, 3, 32)});
    const Value squeezed = b.apply(Op::relu, {conv(b, b.global_average_pool(y), "squeeze", 8, 1)});
    const Value gate = b.apply(Op::hard_sigmoid, {conv(b, squeezed, "excite", 32, 1)});
    return classified(b, b.add(conv(b, b.multiply(y, gate), "project", 8, 1), x));
  }));
}

std::vector<Situation> variants() {
  std::vector<Situation> all;
  for (const AttentionRow& row : attention_rows())
    all.push_back(situation("attention with " + row.name,
                            [&](Builder& b) { return attention_of(b, row.options); },
                            {7, 1, 3, 1, 1}));
  for (const int64_t kv_head_count : {4, 2})
    all.push_back(situation(fmt::format("attention of 4 heads to {} under a mask", kv_head_count),
                            [&](Builder& b) { return masked_attention(b, kv_head_count); },
                            {7, 1, 12}));
  all.push_back(situation("mean of the tokens that a mask leaves",
                          [](Builder& b) {
                            const Value x = vector_input(b, 32);
                            const Value mask = mask_input(b);
                            return b.apply(Op::mean_tokens, {x, mask});
                          },
                          {7, 1, 12}));
  all.push_back(situation("tokens picked by position",
                          [](Builder& b) {
                            const Value x = vector_input(b, 32);
                            const Value picked =
                                b.input("picked", ElementType::i64, {Symbol::batch});
                            return b.apply(Op::pick_tokens, {x, picked});
                          },
                          {7, 1, 12}));
  for (const Op op : {Op::relu, Op::gelu, Op::gelu_tanh, Op::tanh, Op::hard_swish, Op::hard_sigmoid,
                      Op::l2_normalize, Op::mean_tokens, Op::pick_tokens})
    all.push_back(
        situation(std::string(ir::name_of(op)), [&](Builder& b) { return unary(b, op); }, {5, 1}));
  all.push_back(situation("layer norm",
                          [](Builder& b) { return b.layer_norm(vector_input(b, 48), "n", 1e-5); },
                          {5, 1}));
  all.push_back(situation("norms of heads",
                          [](Builder& b) {
                            const Value x = vector_input(b, 64);
                            return b.add(b.rms_norm(b.add(x, x), "rms", 1e-6, 16),
                                         b.layer_norm(x, "layer", 1e-5, 16));
                          },
                          {5, 1}));
  all.push_back(situation("positions of a table",
                          [](Builder& b) {
                            return b.apply(Op::add_positions,
                                           {vector_input(b, 32), b.parameter("table", {12, 32})});
                          },
                          {5, 12}));
  for (const ir::MaxPoolOptions& options :
       {ir::MaxPoolOptions{3, 2, {1, 1, 1, 1}}, ir::MaxPoolOptions{2, 2, {0, 0, 0, 0}},
        ir::MaxPoolOptions{3, 2, {0, 0, 1, 1}}})
    all.push_back(
        situation(fmt::format("max pool of {}, {} before", options.kernel, options.padding[0]),
                  [&](Builder& b) { return b.max_pool(picture_input(b, 6), options); }));
  all.push_back(situation("tokens of a picture, one before them", [](Builder& b) {
    const Value x = b.conv2d(picture_input(b, 3), b.parameter("w", {24, 3, 3, 3}), {.stride = 3});
    const Value tokens = b.apply(Op::to_tokens, {x});
    const Value all_tokens = b.apply(Op::prepend_token, {tokens, b.parameter("first", {24})});
    return b.apply(Op::add_positions, {all_tokens, b.parameter("table", {10, 24})});
  }));
  return all;
}

std::string_view refusal_of_step(const ir::Graph& graph, int64_t batch, int64_t token_count,
                                 int64_t past_tokens) {
  const bool is_refused = engine().describe().framework == "onnxruntime" && batch > 1 &&
                          token_count > 1 && past_tokens > 0 && uses(graph, Op::cached_attention);
  return is_refused ? "several tokens after others in a batch of 1" : "";
}

}  // namespace qb::parity
