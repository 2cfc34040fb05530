// Two sides, figure by figure: better, worse, the same, or can't tell yet.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "results/comparison/differences.h"
#include "results/comparison/figures.h"
#include "stats/stats.h"

namespace qb::comparison {

enum class Answer : uint8_t { better, worse, same, undecided };
std::string_view name_of(Answer answer);

struct Comparison {
  Pair pair;
  Figures figures;
  // After over before; of a share their difference, which is what shares are compared by.
  std::optional<double> change;
  bool is_difference = false;
  std::optional<stats::Interval> interval;  // 95 %
  Answer answer = Answer::undecided;
  std::string basis;  // how change and interval were found, or why there is none
};

// Changes of launches' figures that are less than this are none.
inline constexpr double sameness = 0.02;

// Of each metric that either record has, in the order of the table of metrics. `names`: only these;
// empty: those of the task's table.
std::vector<Comparison> compare(const Pairs& pairs, const std::vector<std::string>& names,
                                const Shifts& shifts);

Comparison compare(const Pair& pair, const metrics::Metric& metric, bool are_interleaved,
                   const Shifts& shifts);

// "faster", "slower", "smaller", "same", "can't tell": the answer in words of the metric.
std::string_view word_of(Answer answer, const metrics::Metric& metric);

}  // namespace qb::comparison
