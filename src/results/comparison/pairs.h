// Which records of two sides are of the same case.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "results/report/report.h"

namespace qb::comparison {

struct Pair {
  const Record* before = nullptr;
  const Record* after = nullptr;
};

struct Pairs {
  std::vector<Pair> pairs;
  std::vector<const Record*> only_before;
  std::vector<const Record*> only_after;
  // Launches of the same block ran beside each other: both sides are of one run.
  bool are_interleaved = false;
};

// The cases of two runs, in the order of `after`. The documents must outlive the pairs.
Pairs pair_runs(const report::Document& before, const report::Document& after);

// Within one run that measured several versions of a framework: the cases of `against`
// ("pytorch@2.9.1") are before, those of the other version after. Errors name the versions there
// are.
Result<Pairs> pair_versions(const report::Document& run, std::string_view against);

// What became of the speeds of all cases together: where nothing but the state of the machine
// changed, how much that does.
struct CommonChange {
  double median = 1.0;  // of the ratios of the speeds, now to before
  double spread = 0.0;  // of their logs around it, one robust standard deviation
  size_t case_count = 0;
};
// Empty for fewer than four cases with a speed on both sides.
std::optional<CommonChange> common_change(const Pairs& pairs);

}  // namespace qb::comparison
