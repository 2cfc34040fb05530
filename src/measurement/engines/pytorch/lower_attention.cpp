// cached_attention, attention and rms_norm.
#include <fmt/ranges.h>

#include <cmath>

#include "measurement/engines/pytorch/lowering.h"
#include "measurement/lowering/rotary.h"

namespace qb::pytorch {
namespace {

struct Heads {
  int64_t query = 0, kv = 0, dim = 0;
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

// q [batch, heads, sequence, dim]; keys and values [batch, kv heads, total, dim]. `mask` is read
// when several tokens come after others.
at::Tensor attend(const at::Tensor& q, const at::Tensor& keys, const at::Tensor& values,
                  const at::Tensor& mask, const Heads& heads) {
  const int64_t sequence = q.size(2);
  const int64_t shared = heads.query / heads.kv;
  if (sequence == 1) {  // the heads that share keys are as many queries without a mask
    const at::Tensor folded = q.reshape({q.size(0), heads.kv, shared, heads.dim});
    return at::scaled_dot_product_attention(folded, keys, values)
        .reshape({q.size(0), 1, heads.query * heads.dim});
  }
  const bool is_first = keys.size(2) == sequence;
  const at::Tensor attended =
      is_first ? at::scaled_dot_product_attention(q, spread_heads(keys, heads),
                                                  spread_heads(values, heads), {}, 0.0, true)
               : at::scaled_dot_product_attention(q, spread_heads(keys, heads),
                                                  spread_heads(values, heads), mask);
  return attended.transpose(1, 2).reshape({q.size(0), sequence, heads.query * heads.dim});
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

// x / sqrt(mean x^2 + epsilon) * weight, Zhang and Sennrich 2019: at::rms_norm is this in more and
// slower calls on a CPU. One row's factor is a number, so that both products are one call.
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double epsilon,
                    const at::Tensor& epsilon_tensor, const at::Tensor& zero) {
  const at::Tensor norm = at::linalg_vector_norm(x, 2, at::IntArrayRef{-1}, /*keepdim=*/true);
  const double share = 1.0 / static_cast<double>(weight.numel());
  if (norm.numel() == 1 && x.device().is_cpu()) {
    const double length = norm.item<float>();
    return at::addcmul(zero, x, weight, 1.0 / std::sqrt(length * length * share + epsilon));
  }
  const at::Tensor factors = at::addcmul(epsilon_tensor, norm, norm, share).rsqrt_();
  return at::mul(x, factors).mul_(weight);
}

Result<void> lower_cached_attention(Lowering& l, const ir::Node& node) {
  const ir::Attributes& a = node.attributes;
  const Heads heads = {a.integer("head_count"), a.integer("kv_head_count"), a.integer("head_dim")};
  const Rotary rotary = find_rotary(l, ir::cached_attention_options(a).rotary);
  const at::Tensor keys = l.state(node.inputs[3]);
  const at::Tensor values = l.state(node.inputs[4]);
  const Columns q = l.columns_of(node.inputs[0]);
  const Columns k = l.columns_of(node.inputs[1]);
  const Columns v = l.columns_of(node.inputs[2]);
  const Slot mask = l.causal_mask(q.slot);
  const Slot out = l.result(node.output);
  l.add_step({q.slot, k.slot, v.slot, mask}, [=](Frame& frame) {
    const int64_t past = frame.past_tokens;
    const int64_t sequence = frame.slots[q.slot].size(1);
    const QueriesAndKeys x = turned(frame, q, k, rotary, heads);
    keys.narrow(2, past, sequence).copy_(x.keys.transpose(1, 2));
    values.narrow(2, past, sequence).copy_(split(frame, v, heads.dim).transpose(1, 2));
    frame.slots[out] = attend(x.queries.transpose(1, 2), keys.narrow(2, 0, past + sequence),
                              values.narrow(2, 0, past + sequence), frame.slots[mask], heads);
  });
  l.count("scaled_dot_product_attention");
  return {};
}

Result<void> lower_attention(Lowering& l, const ir::Node& node) {
  const ir::Attributes& a = node.attributes;
  const Heads heads = {a.integer("head_count"), a.integer("kv_head_count"), a.integer("head_dim")};
  const bool is_causal = a.integer("causal") != 0;
  const Columns q = l.columns_of(node.inputs[0]);
  const Columns k = l.columns_of(node.inputs[1]);
  const Columns v = l.columns_of(node.inputs[2]);
  const Slot out = l.result(node.output);
  l.add_step({q.slot, k.slot, v.slot}, [=](Frame& frame) {
    const auto heads_of = [&](const Columns& columns) {
      return split(frame, columns, heads.dim).transpose(1, 2);
    };
    frame.slots[out] =
        at::scaled_dot_product_attention(heads_of(q), spread_heads(heads_of(k), heads),
                                         spread_heads(heads_of(v), heads), {}, 0.0, is_causal)
            .transpose(1, 2)
            .flatten(2);
  });
  l.count("scaled_dot_product_attention");
  return {};
}

Result<void> lower_rms_norm(Lowering& l, const ir::Node& node) {
  const at::Tensor weight = l.f32_tensor(node.inputs[1]);
  const double epsilon = node.attributes.real("epsilon");
  const auto options = at::TensorOptions().dtype(at::kFloat).device(l.device());
  l.add_step(
      node.output, node.inputs[0],
      [=, epsilon_tensor = at::full({1}, epsilon, options), zero = at::zeros({1}, options)](
          const at::Tensor& x) { return rms_norm(x, weight, epsilon, epsilon_tensor, zero); });
  return {};
}

constexpr LoweringRow rows[] = {
    {ir::Op::attention, lower_attention},
    {ir::Op::cached_attention, lower_cached_attention},
    {ir::Op::rms_norm, lower_rms_norm},
};

}  // namespace

std::span<const LoweringRow> attention_lowerings() { return rows; }

}  // namespace qb::pytorch
