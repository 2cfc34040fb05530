#include "quality/quality.h"

#include <algorithm>
#include <cmath>

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

double negative_log_likelihood(std::span<const float> logits, int64_t target) {
  return log_sum_exp(logits) - logits[static_cast<size_t>(target)];
}

bool in_top_k(std::span<const float> logits, int64_t k, std::span<const int64_t> labels) {
  for (const int64_t label : labels) {
    if (label < 0 || static_cast<size_t>(label) >= logits.size()) continue;
    const float own = logits[static_cast<size_t>(label)];
    const auto above = std::ranges::count_if(logits, [own](float other) { return other > own; });
    if (above < k) return true;
  }
  return false;
}

void MeanAccumulator::add(double value) {
  ++count_;
  const double delta = value - mean_;
  mean_ += delta / static_cast<double>(count_);
  squares_ += delta * (value - mean_);
}

Mean MeanAccumulator::mean() const {
  Mean mean = {.value = mean_};
  const auto n = static_cast<double>(count_);
  if (count_ > 1) mean.standard_error = std::sqrt(squares_ / (n - 1.0) / n);
  return mean;
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
  kl_.add(divergence);
  agreement_.add(argmax(reference) == argmax(logits) ? 1.0 : 0.0);
  const double lengths = std::sqrt(reference_square * square);
  cosine_.add(lengths > 0.0 ? dot / lengths : (reference_square == square ? 1.0 : 0.0));
  return {};
}

}  // namespace qb::quality
