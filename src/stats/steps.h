// Where the level of a series changed, as of one figure over many nights.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace qb::stats {

// How large a statistic must be, in standard errors of the level.
struct StepBounds {
  double step = 3.8;   // of a step, in a stretch of 100 values
  double pulse = 4.9;  // of a stretch that lies higher or lower than what is around it
  double kept = 3.5;   // of a step that was found, between its neighbours
};
// For one look at a series that is there whole.
inline constexpr StepBounds step_bounds_of_a_page = {};
// For a look each night at what has come: bounds that many looks need.
inline constexpr StepBounds step_bounds_of_a_night = {.step = 4.4, .pulse = 5.5};

// Looks at so many values find little: fewer than one step in four of 2 standard deviations.
inline constexpr size_t step_values_min = 12;

struct Step {
  size_t first = 0;     // index of the new level's first value
  size_t begin = 0;     // of the level before it
  size_t end = 0;       // of the new level, past its last value
  double before = 0.0;  // medians of the two levels
  double after = 0.0;
  double statistic = 0.0;  // in standard errors
  // A straight line from begin to end fits better than two levels: `first` names no moment.
  bool is_gradual = false;
};

// Steps of a series, ascending: levels of 4 values and more. The statistic is the largest
// standardised sum of ranks (turned to normal scores, so that neither outliers nor skew count for
// more than their place), its variance that of an AR(1) process after the two levels are taken off:
// then a step doesn't pass for correlation. Stretches are cut at the largest (binary segmentation,
// Vostrikova 1981), or, where a shorter stretch stands out, at both of its ends (circular binary
// segmentation, Olshen et al. 2004); what was found is then tried once more between its neighbours.
// Empty for fewer than step_values_min values.
std::vector<Step> find_steps(std::span<const double> series,
                             const StepBounds& bounds = step_bounds_of_a_page);

}  // namespace qb::stats
