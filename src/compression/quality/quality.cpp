#include "compression/quality/quality.h"

#include <algorithm>
#include <cmath>

#include "stats/stats.h"

namespace qb::quality {
namespace {

// ln sum exp(logits), with the maximum taken out so that nothing overflows.
double log_sum_exp(std::span<const float> logits) {
  const double top = *std::ranges::max_element(logits);
  double sum = 0.0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - top);
  return top + std::log(sum);
}

}  // namespace

int64_t argmax(std::span<const float> logits) {
  return std::ranges::max_element(logits) - logits.begin();
}

bool are_finite(std::span<const float> logits) {
  return std::ranges::all_of(logits, [](float logit) { return std::isfinite(logit); });
}

std::optional<int64_t> likeliest(std::span<const float> logits) {
  if (!are_finite(logits)) return std::nullopt;
  const int64_t first = argmax(logits);
  if (std::ranges::count(logits, logits[static_cast<size_t>(first)]) > 1) return std::nullopt;
  return first;
}

double negative_log_likelihood(std::span<const float> logits, int64_t target) {
  return log_sum_exp(logits) - logits[static_cast<size_t>(target)];
}

bool in_top_k(std::span<const float> logits, int64_t k, std::span<const int64_t> labels) {
  if (!are_finite(logits)) return false;
  for (const int64_t label : labels) {
    if (label < 0 || static_cast<size_t>(label) >= logits.size()) continue;
    const float own = logits[static_cast<size_t>(label)];
    // The label itself is one of them.
    if (std::ranges::count_if(logits, [own](float other) { return other >= own; }) <= k)
      return true;
  }
  return false;
}

Result<void> DivergenceAccumulator::add(std::span<const float> reference,
                                        std::span<const float> logits) {
  const double reference_norm = log_sum_exp(reference);
  const double norm = log_sum_exp(logits);
  if (!std::isfinite(reference_norm) || !std::isfinite(norm))
    return fail(Errc::framework_failed, "row {} has a logit that isn't finite", row_count());
  double divergence = 0.0;
  double dot = 0.0;
  double reference_square = 0.0;
  double square = 0.0;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double a = reference[i];
    const double b = logits[i];
    divergence += std::exp(a - reference_norm) * ((a - reference_norm) - (b - norm));
    dot += a * b;
    reference_square += a * a;
    square += b * b;
    max_difference_ = std::max(max_difference_, std::fabs(a - b));
  }
  if (!std::isfinite(divergence) || !std::isfinite(dot))
    return fail(Errc::framework_failed, "row {} has a logit that isn't finite", row_count());
  kl_.push_back(divergence);
  const auto answer = likeliest(logits);
  agreement_.push_back(answer && answer == likeliest(reference) ? 1.0 : 0.0);
  const double lengths = std::sqrt(reference_square * square);
  cosine_.push_back(lengths > 0.0 ? dot / lengths : (reference_square == square ? 1.0 : 0.0));
  return {};
}

double DivergenceAccumulator::kl_divergence() const { return stats::mean(kl_); }
double DivergenceAccumulator::top1_agreement() const { return stats::mean(agreement_); }
double DivergenceAccumulator::logit_cosine() const { return stats::mean(cosine_); }

}  // namespace qb::quality
