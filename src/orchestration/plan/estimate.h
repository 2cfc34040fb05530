// How long the launches of a plan will take.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "orchestration/plan/plan.h"

namespace qb::plan {

// A launch is expected to take as long as those of its case and kind took (their mean); before the
// first of them as those of its model and scheme's neighbours of that kind; before any as the
// protocol's shortest durations and a second to start, or what its shapes say where that is more.
class Estimate {
 public:
  Estimate(const Plan& plan, const spec::Protocol& protocol);

  void note_launch(const Case& subject, bool is_quality, int64_t took_ns);
  // No more launches of the case will be made.
  void note_end(const Case& subject);
  // Of the launches from `number` on, counted from 0. Launches that only the width of an interval
  // may ask for count once the case has had the others.
  int64_t left_ns(size_t number) const;

 private:
  struct Known {
    int64_t total_ns = 0;
    int64_t count = 0;
  };
  int64_t expected_ns(size_t case_index, bool is_quality) const;
  std::optional<size_t> find_case(const Case& subject) const;
  std::optional<int64_t> mean_of_model(const std::string& model, bool is_quality) const;

  const Plan* plan_;  // must outlive this
  spec::Protocol protocol_;
  std::vector<Known> known_[2];  // speed, quality; one a case
  std::vector<bool> is_ended_;
};

}  // namespace qb::plan
