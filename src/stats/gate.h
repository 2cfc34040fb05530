// Whether a change made any of many figures worse: a regression, none, or too little known. The
// rules, and how often they err, are in docs/decisions/0041-three-answers.md; bench/gate.cpp tries
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "stats/stats.h"

namespace qb::stats {

// One figure of one case on both sides: a value of each launch, as logs, greater being worse.
struct GateInput {
  size_t case_number = 0;
  size_t kind = 0;  // of figures whose noise is alike; each case has one of a kind
  std::vector<double> before;
  std::vector<double> after;
  bool is_paired = false;  // launch i of one side ran beside launch i of the other
  double tolerance = 0.0;  // how much worse it may be, as a log
  // The standard deviation of what no number of launches averages out: two builds of the same code
  // differ by their layout, two runs by the state of the machine.
  double shift_deviation = 0.0;
};

enum class GateAnswer : uint8_t { regression, no_regression, undecided };

struct GateJudgement {
  GateAnswer answer = GateAnswer::undecided;
  double change = 0.0;               // the estimate, a log
  std::optional<Interval> interval;  // 95 % of the change; empty with fewer launches than it takes
  double p = 1.0;                    // that it isn't worse, of this figure alone
  // Of each side in all, if more of them would decide it: a planning figure. Empty: none would.
  std::optional<int64_t> launches_needed;
};

inline constexpr size_t gate_launches_min = 3;  // of each side

// A judgement of each input, in order. `false_alarms`: of gates of which nothing got worse, the
// share that still says so, at most; where something did, the share of wrong ones among the cases
// that are named.
std::vector<GateJudgement> judge_gate(std::span<const GateInput> inputs,
                                      double false_alarms = 0.01);

}  // namespace qb::stats
