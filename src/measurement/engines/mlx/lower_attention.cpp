// cached_attention, attention and rms_norm.
#include <cmath>

#include "measurement/engines/mlx/lowering.h"

namespace qb::mlx {
namespace {

struct Attention {
  Slot q = 0, k = 0, v = 0, out = 0;
  size_t key_state = 0, value_state = 0;
  int query_heads = 0, kv_heads = 0, head_dim = 0;
  float theta = 0.0f;  // 0: no rotary embedding
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

float scale_of(int head_dim) { return 1.0f / std::sqrt(static_cast<float>(head_dim)); }

// Halves rotated by absolute position, as the IR's rope_theta says.
mx::array rotate(const mx::array& x, const Attention& a, int past) {
  if (a.theta <= 0.0f) return x;
  return mx::fast::rope(x, a.head_dim, /*traditional=*/false, a.theta, /*scale=*/1.0f, past);
}

// Writes the rows at `past` and gives the filled part. MLX updates the memory in place, since
// nothing else holds the old array when the step is evaluated.
mx::array append(mx::array& cache, const mx::array& rows, int past) {
  const int total = past + rows.shape(2);
  mx::Shape stop = cache.shape();
  stop[2] = total;
  cache = mx::slice_update(cache, rows, mx::Shape{0, 0, past, 0}, stop);
  return mx::slice(cache, mx::Shape{0, 0, 0, 0}, stop);
}

void attend(const Attention& a, Frame& frame) {
  const auto past = static_cast<int>(frame.past_tokens);
  const auto heads_of = [&](Slot slot, int heads) {
    return split_heads(frame.slots[slot], heads, a.head_dim);
  };
  const mx::array q = rotate(heads_of(a.q, a.query_heads), a, past);
  const mx::array keys =
      append(frame.states[a.key_state], rotate(heads_of(a.k, a.kv_heads), a, past), past);
  const mx::array values = append(frame.states[a.value_state], heads_of(a.v, a.kv_heads), past);
  const int sequence = q.shape(2);
  // MLX's causal mask ends at the last key: token i of the step sees the past and i + 1 tokens.
  const mx::array y = mx::fast::scaled_dot_product_attention(q, keys, values, scale_of(a.head_dim),
                                                             sequence > 1 ? "causal" : "");
  frame.slots[a.out] = join_heads(y);
}

Result<void> lower_cached_attention(Lowering& l, const ir::Node& node) {
  const ir::Attributes& attributes = node.attributes;
  const auto integer = [&](const char* name) { return static_cast<int>(attributes.integer(name)); };
  const Attention attention = {.q = l.slot(node.inputs[0]),
                               .k = l.slot(node.inputs[1]),
                               .v = l.slot(node.inputs[2]),
                               .out = l.slot(node.output),
                               .key_state = l.state_index(node.inputs[3]),
                               .value_state = l.state_index(node.inputs[4]),
                               .query_heads = integer("head_count"),
                               .kv_heads = integer("kv_head_count"),
                               .head_dim = integer("head_dim"),
                               .theta = static_cast<float>(attributes.real("rope_theta"))};
  l.add_call([attention](Frame& frame) { attend(attention, frame); });
  l.count("scaled_dot_product_attention");
  l.count("slice_update");
  return {};
}

Result<void> lower_attention(Lowering& l, const ir::Node& node) {
  const ir::Attributes& a = node.attributes;
  const auto integer = [&](const char* name) { return static_cast<int>(a.integer(name)); };
  const std::vector<Slot> slots = l.slots_of(node.inputs);
  l.add_call([slots, out = l.slot(node.output), query_heads = integer("head_count"),
              kv_heads = integer("kv_head_count"), head_dim = integer("head_dim"),
              mask = integer("causal") != 0 ? "causal" : ""](Frame& frame) {
    frame.slots[out] = join_heads(mx::fast::scaled_dot_product_attention(
        split_heads(frame.slots[slots[0]], query_heads, head_dim),
        split_heads(frame.slots[slots[1]], kv_heads, head_dim),
        split_heads(frame.slots[slots[2]], kv_heads, head_dim), scale_of(head_dim), mask));
  });
  l.count("scaled_dot_product_attention");
  return {};
}

Result<void> lower_rms_norm(Lowering& l, const ir::Node& node) {
  l.add_unary(node, [weight = l.stored_array(node.inputs[1]),
                     epsilon = static_cast<float>(node.attributes.real("epsilon"))](
                        const mx::array& x) { return mx::fast::rms_norm(x, weight, epsilon); });
  l.count("rms_norm");
  return {};
}

constexpr LoweringRow rows[] = {
    {ir::Op::attention, lower_attention},
    {ir::Op::cached_attention, lower_cached_attention},
    {ir::Op::rms_norm, lower_rms_norm},
};

}  // namespace

std::span<const LoweringRow> attention_lowerings() { return rows; }

}  // namespace qb::mlx
