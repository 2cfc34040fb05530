// How much one side's launches differ from another's, by two estimates: one that is sharpest when
// the noise is normal, and one that outliers don't reach.
#pragma once

#include <span>

#include "stats/moderation.h"

namespace qb::stats {

// A change, after minus before, and what its standard error is made of: sqrt(variance / weight).
struct Estimate {
  double value = 0.0;
  Variance variance;    // of one launch, or one pair of launches
  double weight = 1.0;  // launches that it is worth
};

struct Estimates {
  Estimate mean;
  Estimate trimmed;  // 20 % of the launches off either end
};

// Launch i of one side with launch i of the other: the mean of the differences, and their trimmed
// mean with the winsorised variance (Tukey and McLaughlin 1963). As many on both sides, 2 at least.
Estimates paired_change(std::span<const double> before, std::span<const double> after);

// Without pairs: Welch's (1947), and Yuen's (1974). 2 at least on each side.
Estimates unpaired_change(std::span<const double> before, std::span<const double> after);

}  // namespace qb::stats
