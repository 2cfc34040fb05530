// How good answers are: pure functions of logits. Workers and orchestrator use the same.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"

namespace qb::quality {

int64_t argmax(std::span<const float> logits);  // the first of equal ones; logits not empty

bool are_finite(std::span<const float> logits);

// The one largest logit. Empty where several tie for it or one isn't finite: such a row answers
// nothing, and is never right.
std::optional<int64_t> likeliest(std::span<const float> logits);

// -ln softmax(logits)[target], in nats.
double negative_log_likelihood(std::span<const float> logits, int64_t target);

// True when one of `labels` is among the k largest logits however ties are ordered; never for a row
// with a logit that isn't finite. Negative labels are padding.
bool in_top_k(std::span<const float> logits, int64_t k, std::span<const int64_t> labels);

// How far one model's logits are from a reference's, row by row (a row: one position or picture).
class DivergenceAccumulator {
 public:
  // Both rows have the same length. Error: a logit that isn't finite.
  Result<void> add(std::span<const float> reference, std::span<const float> logits);

  int64_t row_count() const { return static_cast<int64_t>(kl_.size()); }
  // KL(reference || logits) = sum p ln(p / q) over the vocabulary, in nats, mean over rows; this
  // and the next two need a row.
  double kl_divergence() const;
  // Share of rows with the same likeliest answer.
  double top1_agreement() const;
  // Mean cosine of the angle between the two rows.
  double logit_cosine() const;
  double logit_max_abs_difference() const { return max_difference_; }

  // Of each row, in the order they were added.
  std::span<const double> kl_divergences() const { return kl_; }
  std::span<const double> agreements() const { return agreement_; }  // 1 or 0

 private:
  std::vector<double> kl_;
  std::vector<double> agreement_;
  std::vector<double> cosine_;
  double max_difference_ = 0.0;
};

}  // namespace qb::quality
