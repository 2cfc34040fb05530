// Variances of few values, made surer by those of others like them.
#pragma once

#include <span>
#include <vector>

namespace qb::stats {

struct Variance {
  double value = 0.0;
  double degrees_of_freedom = 0.0;
};

// What variances are scattered around: as sure as one of that many degrees of freedom.
struct VariancePrior {
  double value = 0.0;
  double degrees_of_freedom = 0.0;
};

// Empirical Bayes of Smyth (2004), section 6.2: the scaled F distribution whose logs have the mean
// and the variance of these. Where they scatter no more than chance makes them, the prior has 1,000
// degrees of freedom; of fewer than 20 variances half as many as there are at most, since so few
// don't tell how alike they are. Values and degrees of freedom > 0; one variance makes no prior.
VariancePrior fit_prior(std::span<const Variance> variances);

// (d0 s0² + d s²) / (d0 + d), with d0 + d degrees of freedom.
Variance moderated(const Variance& variance, const VariancePrior& prior);

// x with ψ'(x) = y, y > 0.
double inverse_trigamma(double y);

}  // namespace qb::stats
