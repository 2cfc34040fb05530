// Whether values of several cases, measured in turn, grow or fall while time goes on.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "stats/stats.h"

namespace qb::stats {

struct CaseValue {
  size_t number = 0;  // of its case
  double value = 0.0;
};

// A trend that all cases share.
struct Drift {
  double change = 0.0;  // of a value from the first to the last, relative: 0.12 is 12 % more
  Interval interval;    // 95 %, of `change`; without 0 where there is a trend
};

// `values`: > 0, in the order in which they were measured. Each case is compared with itself alone:
// the log of a value over its case's typical one, values far off drawn in to four robust standard
// deviations, is averaged over 5 to 8 stretches of the order, as many as a case has values; through
// these averages goes a line with Student's interval. Stretches, since what disturbs the machine
// disturbs neighbours alike: they are one observation, not many. Empty for fewer than 5 values a
// case, and where nothing differs.
inline constexpr size_t drift_values_min = 5;
std::optional<Drift> find_drift(std::span<const CaseValue> values);

}  // namespace qb::stats
