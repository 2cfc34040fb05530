// The best case under constraints, what nearly was, and why each other one fell out.
#pragma once

#include <string>
#include <vector>

#include "results/comparison/compare.h"
#include "results/sections/block.h"

namespace qb::comparison {

struct Constraint {
  const metrics::Metric* metric = nullptr;
  double bound = 0.0;
  bool is_maximum = false;  // else a minimum
};

std::string bound_text(const Constraint& constraint);  // "at most 6 GB"

// The figure and all of its interval lie beyond the bound.
bool surely_violates(const Record& record, const Constraint& constraint);

// Whether recommend() chooses between the two: one model and workload, whatever the threads.
bool are_candidates_of_one(const Record& a, const Record& b);

enum class Standing : uint8_t {
  best,
  tie,   // fulfils all, and can't be told from the best
  open,  // better than the best, or there is none; an interval holds a bound, so it may violate it
  behind,    // fulfils all, or may, and isn't as good
  violates,  // a constraint, surely
  no_figure  // to be judged by, or it isn't ok
};
std::string_view name_of(Standing standing);

struct Candidate {
  const Record* record = nullptr;
  Standing standing = Standing::no_figure;
  std::vector<std::string> reasons;  // a clause each, with figures
};

struct Recommendation {
  std::string title;  // "smollm2-135m, prompt of 128 tokens, 32 generated"
  const metrics::Metric* preferred = nullptr;
  std::vector<Candidate> candidates;  // in the order of the standings, then as they were run

  const Candidate* best() const;  // null: none surely fulfils all
  bool is_open() const;           // no best, but one that may be
};

// One for each model and workload, threads apart. `preferred` null: the task's speed. Measurements
// must hold launch values (metrics::measure).
std::vector<Recommendation> recommend(const std::vector<Record>& records,
                                      const std::vector<Constraint>& constraints,
                                      const metrics::Metric* preferred);

sections::Blocks blocks_of(const Recommendation& recommendation);
Json to_json(const Recommendation& recommendation);

}  // namespace qb::comparison
