// cached_attention and attention.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "measurement/engines/mlx/lowering.h"
#include "network/ir/attention.h"

namespace qb::mlx {
namespace {

struct Rotary {
  int dims = 0;                        // 0: none
  float theta = 0.0f;                  // unless periods are given
  std::optional<mx::array> periods;    // of each pair, 1 / frequency: MLX calls these "freqs"
  std::optional<mx::array> magnitude;  // a factor of each of a head's values
};

struct Attention {
  Slot q = 0, k = 0, v = 0, out = 0, mask = 0;
  size_t key_state = 0, value_state = 0;
  ir::CachedAttentionOptions options;
  Sight sight;
  Rotary rotary;
};

// [batch, sequence, heads * dim] as [batch, heads, sequence, dim].
mx::array split_heads(const mx::array& x, int heads, int head_dim) {
  return mx::transpose(mx::reshape(x, {x.shape(0), x.shape(1), heads, head_dim}), {0, 2, 1, 3});
}

// [batch, heads, sequence, dim] as [batch, sequence, heads * dim].
mx::array join_heads(const mx::array& x) {
  return mx::reshape(mx::transpose(x, {0, 2, 1, 3}),
                     {x.shape(0), x.shape(2), x.shape(1) * x.shape(3)});
}

// Halves rotated by absolute position, as the IR's rope_theta says.
mx::array rotate(const mx::array& x, const Rotary& rotary, int past) {
  if (rotary.dims == 0) return x;
  const mx::array scaled = rotary.magnitude ? mx::multiply(x, *rotary.magnitude) : x;
  const auto base = rotary.periods ? std::nullopt : std::optional<float>(rotary.theta);
  return mx::fast::rope(scaled, rotary.dims, /*traditional=*/false, base, /*scale=*/1.0f, past,
                        rotary.periods);
}

Rotary find_rotary(Lowering& l, const ir::CachedAttentionOptions& a) {
  Rotary rotary = {.dims = static_cast<int>(a.rotary.dims),
                   .theta = static_cast<float>(a.rotary.theta)};
  if (!a.rotary.factors.empty()) {
    std::vector<float> periods;
    for (const double frequency : a.rotary.frequencies())
      periods.push_back(static_cast<float>(1.0 / frequency));
    rotary.periods = mx::array(periods.data(), {rotary.dims / 2}, mx::float32);
    rotary.periods->eval();
  }
  if (a.rotary.magnitude != 1.0) {
    std::vector<float> factors(static_cast<size_t>(a.head_dim), 1.0f);
    std::fill_n(factors.begin(), rotary.dims, static_cast<float>(a.rotary.magnitude));
    rotary.magnitude = l.constant(factors, {static_cast<int>(a.head_dim)});
  }
  return rotary;
}

// Writes the rows at `past`. MLX updates the memory in place, since nothing else holds the old
// array when the step is evaluated.
void append(mx::array& cache, const mx::array& rows, int past) {
  mx::Shape stop = cache.shape();
  stop[2] = past + rows.shape(2);
  cache = mx::slice_update(cache, rows, mx::Shape{0, 0, past, 0}, stop);
}

// The tokens [from, to) of a cache.
mx::array seen(const mx::array& cache, int from, int to) {
  mx::Shape stop = cache.shape();
  stop[2] = to;
  return mx::slice(cache, mx::Shape{0, 0, from, 0}, stop);
}

// What MLX's operator has no cap for: softmax(c tanh(q k^T scale / c) + mask) v. Heads that share
// keys lie one after another.
mx::array capped_attention(const mx::array& q, const mx::array& keys, const mx::array& values,
                           const ir::CachedAttentionOptions& options,
                           const std::optional<mx::array>& mask) {
  const int shared = q.shape(1) / keys.shape(1);
  const mx::array queries =
      mx::reshape(q, {q.shape(0), keys.shape(1), shared, q.shape(2), q.shape(3)});
  const auto number = [&](double value) { return mx::array(static_cast<float>(value), q.dtype()); };
  const mx::array products = mx::matmul(queries, mx::expand_dims(mx::swapaxes(keys, 2, 3), 2));
  mx::array scores =
      mx::multiply(mx::tanh(mx::multiply(products, number(options.scale / options.softcap))),
                   number(options.softcap));
  if (mask) scores = mx::where(*mask, scores, number(-std::numeric_limits<float>::infinity()));
  const mx::array attended =
      mx::matmul(mx::softmax(scores, -1, /*precise=*/true), mx::expand_dims(values, 2));
  return mx::reshape(attended, q.shape());
}

void attend(const Attention& a, Frame& frame) {
  const auto past = static_cast<int>(frame.past_tokens);
  const auto head_dim = static_cast<int>(a.options.head_dim);
  const auto heads_of = [&](Slot slot, int64_t heads) {
    return split_heads(frame.slots[slot], static_cast<int>(heads), head_dim);
  };
  const mx::array q = rotate(heads_of(a.q, a.options.head_count), a.rotary, past);
  const mx::array k = rotate(heads_of(a.k, a.options.kv_head_count), a.rotary, past);
  append(frame.states[a.key_state], k, past);
  append(frame.states[a.value_state], heads_of(a.v, a.options.kv_head_count), past);
  const int sequence = q.shape(2);
  const int first = a.sight.first(past);
  const mx::array keys = seen(frame.states[a.key_state], first, past + sequence);
  const mx::array values = seen(frame.states[a.value_state], first, past + sequence);
  std::optional<mx::array> mask;
  if (a.sight.is_masked(past, sequence)) mask = frame.slots[a.mask];
  // MLX's causal mask ends at the last key: token i of the step sees the past and i + 1 tokens.
  const char* mode = mask ? "array" : sequence > 1 ? "causal" : "";
  const mx::array y = a.options.softcap > 0.0
                          ? capped_attention(q, keys, values, a.options, mask)
                          : mx::fast::scaled_dot_product_attention(
                                q, keys, values, static_cast<float>(a.options.scale), mode, mask);
  frame.slots[a.out] = join_heads(y);
}

Result<void> lower_cached_attention(Lowering& l, const ir::Node& node) {
  const ir::CachedAttentionOptions options = ir::cached_attention_options(node.attributes);
  const Sight sight = {static_cast<int>(options.window_tokens), options.softcap > 0.0};
  const Slot q = l.slot(node.inputs[0]);
  const Attention attention = {.q = q,
                               .k = l.slot(node.inputs[1]),
                               .v = l.slot(node.inputs[2]),
                               .out = l.slot(node.output),
                               .mask = l.causal_mask(q, sight),
                               .key_state = l.state_index(node.inputs[3]),
                               .value_state = l.state_index(node.inputs[4]),
                               .options = options,
                               .sight = sight,
                               .rotary = find_rotary(l, options)};
  l.add_call([attention](Frame& frame) { attend(attention, frame); });
  l.count(options.softcap > 0.0 ? "matmul, tanh, softmax and matmul"
                                : "scaled_dot_product_attention");
  l.count("slice_update");
  return {};
}

Result<void> lower_attention(Lowering& l, const ir::Node& node) {
  const ir::AttentionOptions a = ir::attention_options(node.attributes);
  const auto head_dim = static_cast<int>(a.head_dim);
  const float scale = 1.0f / std::sqrt(static_cast<float>(head_dim));
  l.add_call([=, slots = l.slots_of(node.inputs), out = l.slot(node.output)](Frame& frame) {
    const auto heads_of = [&](size_t input, int64_t heads) {
      return split_heads(frame.slots[slots[input]], static_cast<int>(heads), head_dim);
    };
    std::optional<mx::array> mask;  // bool [batch, 1, 1, keys]
    if (slots.size() > 3)
      mask = mx::expand_dims(mx::not_equal(frame.slots[slots[3]], mx::array(0, mx::int64)), {1, 2});
    frame.slots[out] = join_heads(mx::fast::scaled_dot_product_attention(
        heads_of(0, a.head_count), heads_of(1, a.kv_head_count), heads_of(2, a.kv_head_count),
        scale,
        mask       ? "array"
        : a.causal ? "causal"
                   : "",
        mask));
  });
  l.count("scaled_dot_product_attention");
  return {};
}

constexpr LoweringRow rows[] = {
    {ir::Op::attention, lower_attention},
    {ir::Op::cached_attention, lower_cached_attention},
};

}  // namespace

std::span<const LoweringRow> attention_lowerings() { return rows; }

}  // namespace qb::mlx
