// cached_attention and attention.
#include <fmt/ranges.h>

#include <algorithm>

#include "measurement/engines/pytorch/lowering.h"
#include "measurement/lowering/rotary.h"

namespace qb::pytorch {
namespace {

struct Heads {
  int64_t query = 0, kv = 0, dim = 0;
};

struct Scoring {
  double scale = 1.0;
  double softcap = 0.0;
};

// Factors of a position's values and of the same with its halves swapped: (cos, cos) and
// (-sin, sin), so that pairs (i, i + dims / 2) turn by their angles; f32 [context, 1, dims].
struct Rotary {
  at::Tensor own, swapped;
};

Rotary find_rotary(Lowering& l, const ir::RotaryOptions& options) {
  if (options.dims == 0) return {};
  const int64_t context = l.options().context_tokens;
  const auto table = [&](const char* name, auto values_of, double sign_of_first) {
    const std::string key = fmt::format("{} {} {} {} {}", name, options.theta, options.dims,
                                        options.magnitude, fmt::join(options.factors, " "));
    return l.shared(key, [&] {
      const std::vector<float> values = values_of(lowering::rotary_tables(context, options));
      const at::Tensor half =
          l.tensor_of(values.data(), {context, 1, options.dims / 2}, at::kFloat);
      return at::cat({at::mul(half, sign_of_first), half}, -1);
    });
  };
  return {table(
              "cos", [](const auto& tables) { return tables.cosines; }, 1.0),
          table("sin", [](const auto& tables) { return tables.sines; }, -1.0)};
}

// x [batch, sequence, heads, dim]; by the fewest calls of ATen, which has no such operator.
at::Tensor rotate(const at::Tensor& x, const Rotary& rotary, int64_t past_tokens) {
  if (!rotary.own.defined()) return x;
  const int64_t dims = rotary.own.size(2);
  const int64_t half = dims / 2;
  const at::Tensor turning = x.narrow(3, 0, dims);
  const at::Tensor swapped = at::cat({x.narrow(3, half, half), x.narrow(3, 0, half)}, 3);
  const at::Tensor turned =
      at::mul(turning, rotary.own.narrow(0, past_tokens, x.size(1)))
          .addcmul_(swapped, rotary.swapped.narrow(0, past_tokens, x.size(1)));
  return dims == x.size(3) ? turned : at::cat({turned, x.narrow(3, dims, x.size(3) - dims)}, 3);
}

// Keys or values [batch, kv heads, tokens, dim], each head as often as queries share it.
at::Tensor spread_heads(const at::Tensor& x, const Heads& heads) {
  const int64_t shared = heads.query / heads.kv;
  if (shared == 1) return x;
  return x.unsqueeze(2)
      .expand({x.size(0), heads.kv, shared, x.size(2), heads.dim})
      .reshape({x.size(0), heads.query, x.size(2), heads.dim});
}

std::optional<at::Tensor> given(const at::Tensor& mask) {
  if (!mask.defined()) return {};
  return mask;
}

// Attention with capped scores: ATen's operator has no cap, so that this is what there is.
at::Tensor capped_attention(const at::Tensor& q, const at::Tensor& keys, const at::Tensor& values,
                            const at::Tensor& mask, const Scoring& scoring) {
  at::Tensor scores = at::matmul(q, keys.transpose(2, 3))
                          .mul_(scoring.scale / scoring.softcap)
                          .tanh_()
                          .mul_(scoring.softcap);
  if (mask.defined()) scores.add_(mask);
  return at::matmul(at::softmax(scores, -1), values);
}

at::Tensor attention_of(const at::Tensor& q, const at::Tensor& keys, const at::Tensor& values,
                        const at::Tensor& mask, bool is_causal, const Scoring& scoring) {
  if (scoring.softcap > 0.0) return capped_attention(q, keys, values, mask, scoring);
  return at::scaled_dot_product_attention(q, keys, values, given(mask), 0.0, is_causal,
                                          scoring.scale);
}

// q [batch, heads, sequence, dim]; keys and values [batch, kv heads, those that are seen, dim]. An
// undefined mask of several tokens: the kernel's own causal one.
at::Tensor attend(const at::Tensor& q, const at::Tensor& keys, const at::Tensor& values,
                  const at::Tensor& mask, const Heads& heads, const Scoring& scoring) {
  const int64_t sequence = q.size(2);
  if (sequence == 1) {  // the heads that share keys are as many queries without a mask
    const at::Tensor folded = q.reshape({q.size(0), heads.kv, heads.query / heads.kv, heads.dim});
    return attention_of(folded, keys, values, {}, false, scoring)
        .reshape({q.size(0), 1, heads.query * heads.dim});
  }
  return attention_of(q, spread_heads(keys, heads), spread_heads(values, heads), mask,
                      !mask.defined(), scoring)
      .transpose(1, 2)
      .reshape({q.size(0), sequence, heads.query * heads.dim});
}

// [batch, sequence, heads, dim]
at::Tensor split(const Frame& frame, const Columns& columns, int64_t dim) {
  const at::Tensor& x = frame.slots[columns.slot];
  return x.narrow(2, columns.first, columns.count)
      .view({x.size(0), x.size(1), columns.count / dim, dim});
}

struct QueriesAndKeys {
  at::Tensor queries, keys;  // [batch, sequence, heads, dim]
};

// Where q and k lie side by side they turn as one.
QueriesAndKeys turned(const Frame& frame, const Columns& q, const Columns& k, const Rotary& rotary,
                      const Heads& heads) {
  const bool are_side_by_side = q.slot == k.slot && q.first + q.count == k.first;
  if (!are_side_by_side)
    return {rotate(split(frame, q, heads.dim), rotary, frame.past_tokens),
            rotate(split(frame, k, heads.dim), rotary, frame.past_tokens)};
  const Columns both = {q.slot, q.first, q.count + k.count};
  const at::Tensor x = rotate(split(frame, both, heads.dim), rotary, frame.past_tokens);
  return {x.narrow(2, 0, heads.query), x.narrow(2, heads.query, heads.kv)};
}

Result<void> lower_cached_attention(Lowering& l, const ir::Node& node) {
  const ir::CachedAttentionOptions a = ir::cached_attention_options(node.attributes);
  const Heads heads = {a.head_count, a.kv_head_count, a.head_dim};
  const Scoring scoring = {a.scale, a.softcap};
  const Rotary rotary = find_rotary(l, a.rotary);
  const at::Tensor keys = l.state(node.inputs[3]);
  const at::Tensor values = l.state(node.inputs[4]);
  const Columns q = l.columns_of(node.inputs[0]);
  const Columns k = l.columns_of(node.inputs[1]);
  const Columns v = l.columns_of(node.inputs[2]);
  const Sight sight = {a.window_tokens, a.softcap > 0.0};
  const Slot mask = l.causal_mask(q.slot, sight);
  const Slot out = l.result(node.output);
  l.add_step({q.slot, k.slot, v.slot, mask}, [=](Frame& frame) {
    const int64_t past = frame.past_tokens;
    const int64_t sequence = frame.slots[q.slot].size(1);
    const QueriesAndKeys x = turned(frame, q, k, rotary, heads);
    keys.narrow(2, past, sequence).copy_(x.keys.transpose(1, 2));
    values.narrow(2, past, sequence).copy_(split(frame, v, heads.dim).transpose(1, 2));
    const int64_t first = sight.first(past);
    const int64_t seen = past + sequence - first;
    frame.slots[out] = attend(x.queries.transpose(1, 2), keys.narrow(2, first, seen),
                              values.narrow(2, first, seen), frame.slots[mask], heads, scoring);
  });
  l.count(a.softcap > 0.0 ? "matmul, tanh, softmax and matmul" : "scaled_dot_product_attention");
  return {};
}

// bool [batch, 1, 1, keys] of a mask that hides keys, as the operator takes it; empty: no mask.
std::optional<Slot> add_mask(Lowering& l, const ir::Node& node) {
  if (node.inputs.size() < 4) return {};
  const Slot given = l.operand(node.inputs[3]);
  const Slot mask = l.new_slot();
  l.add_step({given}, [=](Frame& frame) {
    frame.slots[mask] = frame.slots[given].ne(0).unsqueeze(1).unsqueeze(1);
  });
  return mask;
}

Result<void> lower_attention(Lowering& l, const ir::Node& node) {
  const ir::AttentionOptions a = ir::attention_options(node.attributes);
  const Heads heads = {a.head_count, a.kv_head_count, a.head_dim};
  const Columns q = l.columns_of(node.inputs[0]);
  const Columns k = l.columns_of(node.inputs[1]);
  const Columns v = l.columns_of(node.inputs[2]);
  const std::optional<Slot> mask = add_mask(l, node);
  const Slot out = l.result(node.output);
  std::vector<Slot> reads = {q.slot, k.slot, v.slot};
  if (mask) reads.push_back(*mask);
  l.add_step(std::move(reads), [=, is_causal = a.causal](Frame& frame) {
    const auto heads_of = [&](const Columns& columns) {
      return split(frame, columns, heads.dim).transpose(1, 2);
    };
    frame.slots[out] =
        at::scaled_dot_product_attention(
            heads_of(q), spread_heads(heads_of(k), heads), spread_heads(heads_of(v), heads),
            given(mask ? frame.slots[*mask] : at::Tensor()), 0.0, is_causal)
            .transpose(1, 2)
            .flatten(2);
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

}  // namespace qb::pytorch
