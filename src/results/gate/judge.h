// This run against a baseline: what got worse, what didn't, and what can't be told yet.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "results/comparison/tell.h"
#include "results/gate/rules.h"
#include "stats/gate.h"

namespace qb::gate {

using stats::GateAnswer;

// Of one metric of a case, or of the case as a whole.
struct Finding {
  comparison::Pair pair;                    // `after` is null where the case wasn't measured now
  const metrics::Metric* metric = nullptr;  // null: whether the case runs at all
  const Measurement* before = nullptr;
  const Measurement* after = nullptr;
  std::string tolerance;  // "3 %"
  // After over before; of quality their difference.
  std::optional<double> change;
  bool is_difference = false;
  std::optional<stats::Interval> interval;  // 95 %, of the change
  GateAnswer answer = GateAnswer::undecided;
  std::string reason;  // why it can't be told, or what happened
  size_t launch_count = 0;
  std::optional<int64_t> launches_needed;  // of each side, to tell it

  const Record& record() const { return pair.after ? *pair.after : *pair.before; }
};

struct Judgement {
  std::vector<Finding> findings;
  int64_t skipped_count = 0;  // cases that didn't run before either
  GateAnswer answer() const;
  size_t count(GateAnswer answer) const;
};

// `may_miss`: cases that only the baseline has are passed over.
Judgement judge(const comparison::Pairs& pairs, const Rules& rules, bool may_miss);

}  // namespace qb::gate
