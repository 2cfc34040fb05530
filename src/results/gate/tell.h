// A judgement for people and for machines: one function a format.
#pragma once

#include <string>

#include "base/json.h"
#include "results/gate/judge.h"
#include "results/sections/block.h"

namespace qb::gate {

// A judgement with what it is of.
struct Report {
  comparison::Sides sides;
  Rules rules;
  Judgement judgement;
};

// "regression", "no regression", "can't tell yet".
std::string_view name_of(GateAnswer answer);
// "regression: 2 regressions, 5 can't be told yet, 20 no worse".
std::string summary_of(const Judgement& judgement);

// The answer, what was compared, then regressions and what can't be told, with reasons; what is
// no worse is counted.
sections::Blocks blocks_of(const Report& report);
Json to_json(const Report& report);
// A test suite: a case's metric is a test. What can't be told is skipped, with its reason: it is
// the exit code that says so.
std::string render_junit(const Report& report);
// GitHub's workflow commands, a line a finding: an error for a regression, one warning for all that
// can't be told.
std::string render_annotations(const Report& report);

}  // namespace qb::gate
