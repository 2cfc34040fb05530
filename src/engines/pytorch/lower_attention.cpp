// cached_attention and rms_norm.
#include <cmath>

#include "engines/pytorch/lowering.h"

namespace qb::pytorch {
namespace {

struct Heads {
  int64_t query = 0, kv = 0, dim = 0;
};

// cos and sin of position * theta^(-2i / dim) (Su et al. 2021); each [context, dim / 2].
struct Rotary {
  at::Tensor cosines, sines;
};

at::Tensor wave_table(const Lowering& l, int64_t dim, double theta, double (*wave)(double)) {
  const int64_t half = dim / 2;
  const int64_t context = l.options().context_tokens;
  std::vector<float> values(static_cast<size_t>(context * half));
  for (int64_t position = 0; position < context; ++position)
    for (int64_t i = 0; i < half; ++i)
      values[static_cast<size_t>(position * half + i)] = static_cast<float>(
          wave(static_cast<double>(position) *
               std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(dim))));
  return l.tensor_of(values.data(), {context, half}, at::kFloat);
}

Rotary find_rotary(Lowering& l, int64_t dim, double theta) {
  if (theta <= 0.0) return {};
  const auto table = [&](const char* name, double (*wave)(double)) {
    return l.shared(fmt::format("{} {} {}", name, dim, theta),
                    [&] { return wave_table(l, dim, theta, wave); });
  };
  return {table("cos", [](double x) { return std::cos(x); }),
          table("sin", [](double x) { return std::sin(x); })};
}

// x and out [batch, heads, sequence, dim], a position's values one after another: each position's
// pairs (i, i + dim / 2) turned by its angles. ATen has no such operator; a compiler makes the many
// that it takes one loop, and so does this.
void rotate_on_cpu(const at::Tensor& x, const Rotary& rotary, int64_t past_tokens,
                   const at::Tensor& out) {
  const int64_t sequence = x.size(2);
  const int64_t half = x.size(3) / 2;
  const float* cosines = rotary.cosines.const_data_ptr<float>() + past_tokens * half;
  const float* sines = rotary.sines.const_data_ptr<float>() + past_tokens * half;
  const float* from = x.const_data_ptr<float>();
  float* to = out.mutable_data_ptr<float>();
  constexpr int64_t grain = 64;
  at::parallel_for(0, x.size(0) * x.size(1) * sequence, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t position = i % sequence;
      const int64_t head = i / sequence % x.size(1);
      const int64_t item = i / sequence / x.size(1);
      const float* a = from + item * x.stride(0) + head * x.stride(1) + position * x.stride(2);
      float* y = to + item * out.stride(0) + head * out.stride(1) + position * out.stride(2);
      const float* c = cosines + position * half;
      const float* s = sines + position * half;
      for (int64_t k = 0; k < half; ++k) {
        const float low = a[k];
        const float high = a[k + half];
        y[k] = low * c[k] - high * s[k];
        y[k + half] = high * c[k] + low * s[k];
      }
    }
  });
}

// The same by ATen.
void rotate_on_device(const at::Tensor& x, const Rotary& rotary, int64_t past_tokens,
                      const at::Tensor& out) {
  const int64_t half = x.size(3) / 2;
  const at::Tensor cosines = rotary.cosines.narrow(0, past_tokens, x.size(2));
  const at::Tensor sines = rotary.sines.narrow(0, past_tokens, x.size(2));
  const at::Tensor low = x.narrow(3, 0, half);
  const at::Tensor high = x.narrow(3, half, half);
  out.narrow(3, 0, half).copy_(low * cosines - high * sines);
  out.narrow(3, half, half).copy_(high * cosines + low * sines);
}

// x into out, turned where there are angles.
void put(const at::Tensor& x, const Rotary& rotary, int64_t past_tokens, const at::Tensor& out) {
  if (!rotary.cosines.defined())
    out.copy_(x);
  else if (x.device().is_cpu())
    rotate_on_cpu(x, rotary, past_tokens, out);
  else
    rotate_on_device(x, rotary, past_tokens, out);
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

// at::rms_norm on a CPU is six operators in turn; a compiler makes them one loop, and so does this.
// x w / sqrt(mean x^2 + epsilon), Zhang and Sennrich 2019.
at::Tensor rms_norm_on_cpu(const at::Tensor& x, const at::Tensor& weight, double epsilon) {
  const at::Tensor rows = x.contiguous();
  at::Tensor out = at::empty_like(rows);
  const int64_t width = weight.numel();
  const float* w = weight.const_data_ptr<float>();
  const float* from = rows.const_data_ptr<float>();
  float* to = out.mutable_data_ptr<float>();
  constexpr int64_t grain = 16;
  at::parallel_for(0, rows.numel() / width, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* a = from + row * width;
      double sums[4] = {};
      for (int64_t i = 0; i < width; ++i) sums[i % 4] += static_cast<double>(a[i]) * a[i];
      const double mean = (sums[0] + sums[1] + sums[2] + sums[3]) / static_cast<double>(width);
      const auto scale = static_cast<float>(1.0 / std::sqrt(mean + epsilon));
      for (int64_t i = 0; i < width; ++i) to[row * width + i] = a[i] * scale * w[i];
    }
  });
  return out;
}

}  // namespace

Result<void> lower_cached_attention(Lowering& l, const ir::Node& node) {
  const ir::Attributes& a = node.attributes;
  const Heads heads = {a.integer("head_count"), a.integer("kv_head_count"), a.integer("head_dim")};
  const double theta = a.real("rope_theta");
  const Rotary rotary = find_rotary(l, heads.dim, theta);
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
    const auto split = [&](Slot slot, int64_t count) {  // [batch, heads, sequence, dim]
      return frame.slots[slot].view({batch, sequence, count, heads.dim}).transpose(1, 2);
    };
    const at::Tensor turned = at::empty({batch, heads.query, sequence, heads.dim}, x.options());
    put(split(q, heads.query), rotary, past, turned);
    put(split(k, heads.kv), rotary, past, keys.narrow(2, past, sequence));
    put(split(v, heads.kv), {}, past, values.narrow(2, past, sequence));
    frame.slots[out] = attend(turned, keys.narrow(2, 0, past + sequence),
                              values.narrow(2, 0, past + sequence), heads);
  });
  return {};
}

Result<void> lower_rms_norm(Lowering& l, const ir::Node& node) {
  const at::Tensor weight = l.f32_tensor(node.inputs[1]);
  const double epsilon = node.attributes.real("epsilon");
  l.add_step(node.output, node.inputs[0], [weight, epsilon](const at::Tensor& x) {
    return x.device().is_cpu() ? rms_norm_on_cpu(x, weight, epsilon)
                               : at::rms_norm(x, weight.sizes(), weight, epsilon);
  });
  return {};
}

}  // namespace qb::pytorch
