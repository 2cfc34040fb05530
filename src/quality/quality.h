// How good answers are: pure functions of logits. Workers and orchestrator use the same.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"

namespace qb::quality {

int64_t argmax(std::span<const float> logits);  // the first of equal ones; logits not empty

// -ln softmax(logits)[target], in nats.
double negative_log_likelihood(std::span<const float> logits, int64_t target);

// True when one of `labels` is among the k largest logits. Negative labels are padding.
bool in_top_k(std::span<const float> logits, int64_t k, std::span<const int64_t> labels);

// Mean with its standard error: deviation / sqrt(n); the error is absent for n < 2.
struct Mean {
  double value = 0.0;
  std::optional<double> standard_error;
};

// Sums of a stream of values.
class MeanAccumulator {
 public:
  void add(double value);
  int64_t count() const { return count_; }
  Mean mean() const;  // count() > 0; Welford 1962

 private:
  int64_t count_ = 0;
  double mean_ = 0.0;
  double squares_ = 0.0;
};

// How far one model's logits are from a reference's, row by row (a row: one position or picture).
class DivergenceAccumulator {
 public:
  // Both rows have the same length. Error: a logit that isn't finite.
  Result<void> add(std::span<const float> reference, std::span<const float> logits);

  int64_t row_count() const { return kl_.count(); }
  // KL(reference || logits) = sum p ln(p / q) over the vocabulary, in nats, mean over rows.
  Mean kl_divergence() const { return kl_.mean(); }
  // Share of rows with the same argmax.
  Mean top1_agreement() const { return agreement_.mean(); }
  // Mean cosine of the angle between the two rows.
  Mean logit_cosine() const { return cosine_.mean(); }
  double logit_max_abs_difference() const { return max_difference_; }

 private:
  MeanAccumulator kl_;
  MeanAccumulator agreement_;
  MeanAccumulator cosine_;
  double max_difference_ = 0.0;
};

}  // namespace qb::quality
