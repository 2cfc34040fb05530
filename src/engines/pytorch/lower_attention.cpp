// cached_attention and rms_norm.
#include <cmath>

#include "engines/pytorch/lowering.h"

namespace qb::pytorch {
namespace {

struct Heads {
  int64_t query = 0, kv = 0, dim = 0;
};

// cos, and sin with the sign of the rotation's halves, of position * theta^(-2i / dim) (Su et al.
// 2021); each [context, dim], both halves alike.
struct Rotary {
  at::Tensor cosines, sines;
};

Rotary make_rotary(const Lowering& l, int64_t dim, double theta) {
  const int64_t half = dim / 2;
  const int64_t context = l.options().context_tokens;
  std::vector<float> cosines(static_cast<size_t>(context * dim));
  std::vector<float> sines(cosines.size());
  for (int64_t position = 0; position < context; ++position) {
    for (int64_t i = 0; i < dim; ++i) {
      const double exponent = -2.0 * static_cast<double>(i % half) / static_cast<double>(dim);
      const double angle = static_cast<double>(position) * std::pow(theta, exponent);
      const auto at = static_cast<size_t>(position * dim + i);
      cosines[at] = static_cast<float>(std::cos(angle));
      sines[at] = static_cast<float>(i < half ? -std::sin(angle) : std::sin(angle));
    }
  }
  return {l.tensor_of(cosines.data(), {context, dim}, at::kFloat),
          l.tensor_of(sines.data(), {context, dim}, at::kFloat)};
}

// x [batch, sequence, heads, dim]: each position's pairs (i, i + dim / 2) turned by its angles.
at::Tensor rotate(const at::Tensor& x, const Rotary& rotary, int64_t past_tokens) {
  const int64_t dim = x.size(3);
  const at::Tensor cosines = rotary.cosines.narrow(0, past_tokens, x.size(1)).unsqueeze(1);
  const at::Tensor sines = rotary.sines.narrow(0, past_tokens, x.size(1)).unsqueeze(1);
  const at::Tensor swapped = at::cat({x.narrow(3, dim / 2, dim / 2), x.narrow(3, 0, dim / 2)}, 3);
  return at::addcmul(at::mul(x, cosines), swapped, sines);
}

// Which of the total tokens each of the last `count` may look at: [count, total].
at::Tensor causal_mask(int64_t count, int64_t total, const at::TensorOptions& options) {
  return at::ones({count, total}, options.dtype(at::kBool)).tril(total - count);
}

// q [batch, heads, sequence, dim]; keys and values [batch, kv heads, total, dim].
at::Tensor attend(const at::Tensor& q, const at::Tensor& keys, const at::Tensor& values,
                  const Heads& heads) {
  const int64_t sequence = q.size(2);
  const int64_t shared = heads.query / heads.kv;
  if (sequence == 1) {  // the heads that share keys are as many queries without a mask
    const at::Tensor folded = q.reshape({q.size(0), heads.kv, shared, heads.dim});
    return at::scaled_dot_product_attention(folded, keys, values)
        .reshape({q.size(0), 1, heads.query * heads.dim});
  }
  const auto spread = [&](const at::Tensor& x) {
    if (shared == 1) return x;
    return x.unsqueeze(2)
        .expand({x.size(0), heads.kv, shared, x.size(2), heads.dim})
        .reshape({x.size(0), heads.query, x.size(2), heads.dim});
  };
  const bool is_first = keys.size(2) == sequence;
  const at::Tensor attended =
      is_first ? at::scaled_dot_product_attention(q, spread(keys), spread(values), {}, 0.0, true)
               : at::scaled_dot_product_attention(q, spread(keys), spread(values),
                                                  causal_mask(sequence, keys.size(2), q.options()));
  return attended.transpose(1, 2).reshape({q.size(0), sequence, heads.query * heads.dim});
}

}  // namespace

Result<void> lower_cached_attention(Lowering& l, const ir::Node& node) {
  const ir::Attributes& a = node.attributes;
  const Heads heads = {a.integer("head_count"), a.integer("kv_head_count"), a.integer("head_dim")};
  const double theta = a.real("rope_theta");
  const Rotary rotary = theta > 0.0 ? make_rotary(l, heads.dim, theta) : Rotary{};
  const at::Tensor keys = l.state(node.inputs[3]);
  const at::Tensor values = l.state(node.inputs[4]);
  const Slot q = l.operand(node.inputs[0]);
  const Slot k = l.operand(node.inputs[1]);
  const Slot v = l.operand(node.inputs[2]);
  const Slot out = l.result(node.output);
  l.add_step({q, k, v}, [=](Frame& frame) {
    const at::Tensor& x = frame.slots[q];
    const int64_t batch = x.size(0);
    const int64_t sequence = x.size(1);
    const int64_t past = frame.past_tokens;
    const auto split = [&](Slot slot, int64_t count) {
      return frame.slots[slot].reshape({batch, sequence, count, heads.dim});
    };
    const auto turned = [&](const at::Tensor& y) {
      return rotary.cosines.defined() ? rotate(y, rotary, past) : y;
    };
    keys.narrow(2, past, sequence).copy_(turned(split(k, heads.kv)).transpose(1, 2));
    values.narrow(2, past, sequence).copy_(split(v, heads.kv).transpose(1, 2));
    frame.slots[out] =
        attend(turned(split(q, heads.query)).transpose(1, 2), keys.narrow(2, 0, past + sequence),
               values.narrow(2, 0, past + sequence), heads);
  });
  return {};
}

Result<void> lower_rms_norm(Lowering& l, const ir::Node& node) {
  const at::Tensor weight = l.f32_tensor(node.inputs[1]);
  const double epsilon = node.attributes.real("epsilon");
  l.add_step(node.output, node.inputs[0], [weight, epsilon](const at::Tensor& x) {
    return at::rms_norm(x, weight.sizes(), weight, epsilon);
  });
  return {};
}

}  // namespace qb::pytorch
