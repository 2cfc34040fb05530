// Attention with grouped queries: over a KV cache, with rotary embedding, and without one.
#include "network/ir/attention.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "compression/reference/kernels.h"
#include "compression/reference/matrix.h"

namespace qb::reference {
namespace {

// Turns the pairs of a head's first values by how far each goes at that position.
void rotate(std::span<float> head, int64_t position, const ir::RotaryOptions& rotary,
            std::span<const double> frequencies) {
  const size_t half = frequencies.size();
  for (size_t i = 0; i < half; ++i) {
    const double angle = static_cast<double>(position) * frequencies[i];
    const auto cosine = static_cast<float>(std::cos(angle) * rotary.magnitude);
    const auto sine = static_cast<float>(std::sin(angle) * rotary.magnitude);
    const float first = head[i];
    const float second = head[i + half];
    head[i] = first * cosine - second * sine;
    head[i + half] = second * cosine + first * sine;
  }
}

// The tokens [from, to) that a token sees.
struct Sight {
  int64_t from = 0, to = 0;
};

struct Scoring {
  double scale = 1.0;
  double softcap = 0.0;
};

// softmax(q k^T * scale) v over those of the keys and values [tokens, head_dim] that are seen.
void attend(std::span<const float> q, const float* keys, const float* values, const Sight& sight,
            const Scoring& scoring, std::span<float> out) {
  const auto head_dim = static_cast<int64_t>(q.size());
  const int64_t count = sight.to - sight.from;
  const int64_t first = sight.from * head_dim;
  const ConstMatrixView query(q.data(), 1, head_dim);
  Matrix scores = query * ConstMatrixView(keys + first, count, head_dim).transpose() *
                  static_cast<float>(scoring.scale);
  if (scoring.softcap > 0.0) {
    const auto cap = static_cast<float>(scoring.softcap);
    scores = (scores.array() / cap).tanh() * cap;
  }
  scores = (scores.array() - scores.maxCoeff()).exp();
  scores /= scores.sum();
  MatrixView(out.data(), 1, head_dim).noalias() =
      scores * ConstMatrixView(values + first, count, head_dim);
}

// Attention over a cache of `context` tokens, of which `past` are there before this step's.
class CachedAttention {
 public:
  explicit CachedAttention(const KernelArguments& a)
      : a_(a),
        options_(ir::cached_attention_options(a.attributes)),
        frequencies_(options_.rotary.frequencies()),
        token_count_(a.inputs[0].extent(1)),
        context_(a.inputs[3].extent(2)) {}

  void append(size_t input, int64_t batch, bool turns) {
    const auto dim = static_cast<size_t>(options_.head_dim);
    for (int64_t token = 0; token < token_count_; ++token) {
      for (int64_t head = 0; head < options_.kv_head_count; ++head) {
        const int64_t row = (batch * token_count_ + token) * options_.kv_head_count + head;
        float* target =
            cache(input - 1, batch, head) + (a_.past_tokens + token) * options_.head_dim;
        std::copy_n(a_.inputs[input].values.data() + row * options_.head_dim, dim, target);
        if (turns) rotate({target, dim}, a_.past_tokens + token, options_.rotary, frequencies_);
      }
    }
  }

  void attend_all(int64_t batch) {
    std::vector<float> q(static_cast<size_t>(options_.head_dim));
    for (int64_t token = 0; token < token_count_; ++token) {
      const int64_t seen = a_.past_tokens + token + 1;
      const int64_t window = options_.window_tokens;
      const Sight sight = {window > 0 ? std::max<int64_t>(seen - window, 0) : 0, seen};
      for (int64_t head = 0; head < options_.head_count; ++head) {
        const int64_t row = (batch * token_count_ + token) * options_.head_count + head;
        const auto at = static_cast<size_t>(row * options_.head_dim);
        std::ranges::copy(a_.inputs[0].values.subspan(at, q.size()), q.begin());
        rotate(q, a_.past_tokens + token, options_.rotary, frequencies_);
        const int64_t kv_head = head / (options_.head_count / options_.kv_head_count);
        attend(q, cache(0, batch, kv_head), cache(1, batch, kv_head), sight,
               {options_.scale, options_.softcap}, a_.out_values.subspan(at, q.size()));
      }
    }
  }

 private:
  // [context, head_dim]
  float* cache(size_t state, int64_t batch, int64_t head) {
    return a_.states[state].data() +
           (batch * options_.kv_head_count + head) * context_ * options_.head_dim;
  }

  const KernelArguments& a_;
  ir::CachedAttentionOptions options_;
  std::vector<double> frequencies_;
  int64_t token_count_, context_;
};

Result<void> cached_attention(const KernelArguments& a) {
  const int64_t token_count = a.inputs[0].extent(1);
  const int64_t context = a.inputs[3].extent(2);
  if (a.past_tokens + token_count > context)
    return fail(Errc::bad_input, "{} tokens after {} do not fit a cache of {}", token_count,
                a.past_tokens, context);
  CachedAttention attention(a);
  for (int64_t batch = 0; batch < a.inputs[0].extent(0); ++batch) {
    attention.append(1, batch, /*turns=*/true);
    attention.append(2, batch, /*turns=*/false);
    attention.attend_all(batch);
  }
  return {};
}

// The rows of keys and values of one entry that its mask leaves.
std::vector<int64_t> seen_rows(const KernelArguments& a, int64_t batch) {
  const int64_t key_count = a.inputs[1].extent(1);
  std::vector<int64_t> rows;
  for (int64_t row = batch * key_count; row < (batch + 1) * key_count; ++row)
    if (a.inputs.size() < 4 || a.inputs[3].integers[static_cast<size_t>(row)] != 0)
      rows.push_back(row);
  return rows;
}

// Heads one after another, so that the keys of one lie together as attend() wants them.
Result<void> attention(const KernelArguments& a) {
  const ir::AttentionOptions options = ir::attention_options(a.attributes);
  const int64_t query_count = a.inputs[0].extent(1);
  const int64_t dim = options.head_dim;
  const Scoring scoring = {.scale = 1.0 / std::sqrt(static_cast<double>(dim))};
  for (int64_t batch = 0; batch < a.inputs[0].extent(0); ++batch) {
    const std::vector<int64_t> seen = seen_rows(a, batch);
    if (seen.empty()) return fail(Errc::bad_input, "the mask leaves no key of entry {}", batch);
    const auto key_count = static_cast<int64_t>(seen.size());
    std::vector<float> keys(static_cast<size_t>(key_count * dim));
    std::vector<float> values(keys.size());
    for (int64_t head = 0; head < options.head_count; ++head) {
      const int64_t kv_head = head / (options.head_count / options.kv_head_count);
      for (int64_t token = 0; token < key_count; ++token) {
        const int64_t row = seen[static_cast<size_t>(token)];
        const int64_t from = (row * options.kv_head_count + kv_head) * dim;
        std::copy_n(a.inputs[1].values.data() + from, dim, keys.data() + token * dim);
        std::copy_n(a.inputs[2].values.data() + from, dim, values.data() + token * dim);
      }
      for (int64_t token = 0; token < query_count; ++token) {
        const auto at =
            static_cast<size_t>(((batch * query_count + token) * options.head_count + head) * dim);
        attend(a.inputs[0].values.subspan(at, static_cast<size_t>(dim)), keys.data(), values.data(),
               {0, options.causal ? token + 1 : key_count}, scoring,
               a.out_values.subspan(at, static_cast<size_t>(dim)));
      }
    }
  }
  return {};
}

constexpr KernelRow rows[] = {
    {ir::Op::cached_attention, cached_attention},
    {ir::Op::attention, attention},
};

}  // namespace

std::span<const KernelRow> attention_kernels() { return rows; }

}  // namespace qb::reference
