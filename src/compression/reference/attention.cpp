// Attention with grouped queries: over a KV cache, with rotary embedding, and without one.
#include <cmath>
#include <vector>

#include "compression/reference/kernels.h"
#include "compression/reference/matrix.h"

namespace qb::reference {

Result<void> cached_attention(const KernelArguments& a);
Result<void> attention(const KernelArguments& a);

namespace {

struct Heads {
  int64_t q_count, kv_count, head_dim;
};

// Rotates the two halves of each head by position * theta^(-2i / head_dim) (Su et al. 2021).
void rotate(std::span<float> head, int64_t position, double theta) {
  const size_t half = head.size() / 2;
  for (size_t i = 0; i < half; ++i) {
    const double angle =
        static_cast<double>(position) *
        std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(head.size()));
    const auto cosine = static_cast<float>(std::cos(angle));
    const auto sine = static_cast<float>(std::sin(angle));
    const float first = head[i];
    const float second = head[i + half];
    head[i] = first * cosine - second * sine;
    head[i + half] = second * cosine + first * sine;
  }
}

// New keys or values of one batch entry into its cache [kv_count, context, head_dim].
void append_to_cache(const float* rows, int64_t token_count, const Heads& heads, int64_t past,
                     int64_t context, double theta, float* cache) {
  for (int64_t token = 0; token < token_count; ++token) {
    for (int64_t head = 0; head < heads.kv_count; ++head) {
      const float* source = rows + (token * heads.kv_count + head) * heads.head_dim;
      float* target = cache + (head * context + past + token) * heads.head_dim;
      std::copy_n(source, heads.head_dim, target);
      if (theta > 0.0) rotate({target, static_cast<size_t>(heads.head_dim)}, past + token, theta);
    }
  }
}

// softmax(q k^T / sqrt(head_dim)) v over the first `token_count` of the keys and values
// [tokens, head_dim].
void attend(std::span<const float> q, const float* keys, const float* values, int64_t token_count,
            std::span<float> out) {
  const auto head_dim = static_cast<int64_t>(q.size());
  const ConstMatrixView query(q.data(), 1, head_dim);
  Matrix scores = query * ConstMatrixView(keys, token_count, head_dim).transpose() /
                  std::sqrt(static_cast<float>(head_dim));
  scores = (scores.array() - scores.maxCoeff()).exp();
  scores /= scores.sum();
  MatrixView(out.data(), 1, head_dim).noalias() =
      scores * ConstMatrixView(values, token_count, head_dim);
}

}  // namespace

Result<void> cached_attention(const KernelArguments& a) {
  const Heads heads = {a.attributes.integer("head_count"), a.attributes.integer("kv_head_count"),
                       a.attributes.integer("head_dim")};
  const double theta = a.attributes.real("rope_theta");
  const int64_t batch_count = a.inputs[0].extent(0);
  const int64_t token_count = a.inputs[0].extent(1);
  const int64_t context = a.inputs[3].extent(2);
  if (a.past_tokens + token_count > context)
    return fail(Errc::bad_input, "{} tokens after {} do not fit a cache of {}", token_count,
                a.past_tokens, context);
  const int64_t cache_size = heads.kv_count * context * heads.head_dim;
  const int64_t kv_size = token_count * heads.kv_count * heads.head_dim;
  std::vector<float> q(static_cast<size_t>(heads.head_dim));
  for (int64_t batch = 0; batch < batch_count; ++batch) {
    float* keys = a.states[0].data() + batch * cache_size;
    float* values = a.states[1].data() + batch * cache_size;
    append_to_cache(a.inputs[1].values.data() + batch * kv_size, token_count, heads, a.past_tokens,
                    context, theta, keys);
    append_to_cache(a.inputs[2].values.data() + batch * kv_size, token_count, heads, a.past_tokens,
                    context, 0.0, values);
    for (int64_t token = 0; token < token_count; ++token) {
      for (int64_t head = 0; head < heads.q_count; ++head) {
        const int64_t offset =
            ((batch * token_count + token) * heads.q_count + head) * heads.head_dim;
        std::copy_n(a.inputs[0].values.data() + offset, heads.head_dim, q.data());
        if (theta > 0.0) rotate(q, a.past_tokens + token, theta);
        const int64_t cache = head / (heads.q_count / heads.kv_count) * context * heads.head_dim;
        attend(q, keys + cache, values + cache, a.past_tokens + token + 1,
               a.out_values.subspan(static_cast<size_t>(offset), q.size()));
      }
    }
  }
  return {};
}

// Heads one after another, so that the keys of one lie together as attend() wants them.
Result<void> attention(const KernelArguments& a) {
  const Heads heads = {a.attributes.integer("head_count"), a.attributes.integer("kv_head_count"),
                       a.attributes.integer("head_dim")};
  const bool is_causal = a.attributes.integer("causal") != 0;
  const int64_t query_count = a.inputs[0].extent(1);
  const int64_t key_count = a.inputs[1].extent(1);
  const int64_t dim = heads.head_dim;
  std::vector<float> keys(static_cast<size_t>(key_count * dim));
  std::vector<float> values(keys.size());
  for (int64_t batch = 0; batch < a.inputs[0].extent(0); ++batch) {
    for (int64_t head = 0; head < heads.q_count; ++head) {
      const int64_t kv_head = head / (heads.q_count / heads.kv_count);
      for (int64_t token = 0; token < key_count; ++token) {
        const int64_t from = ((batch * key_count + token) * heads.kv_count + kv_head) * dim;
        std::copy_n(a.inputs[1].values.data() + from, dim, keys.data() + token * dim);
        std::copy_n(a.inputs[2].values.data() + from, dim, values.data() + token * dim);
      }
      for (int64_t token = 0; token < query_count; ++token) {
        const auto at =
            static_cast<size_t>(((batch * query_count + token) * heads.q_count + head) * dim);
        attend(a.inputs[0].values.subspan(at, static_cast<size_t>(dim)), keys.data(), values.data(),
               is_causal ? token + 1 : key_count,
               a.out_values.subspan(at, static_cast<size_t>(dim)));
      }
    }
  }
  return {};
}

}  // namespace qb::reference
