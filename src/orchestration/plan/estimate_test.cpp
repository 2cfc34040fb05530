#include "orchestration/plan/estimate.h"

#include <doctest/doctest.h>

using namespace qb;
using namespace qb::plan;

namespace {

constexpr int64_t s = 1'000'000'000;

Case case_of(const char* scheme) { return {"m", scheme, "onnxruntime", "cpu", {}}; }

// Two cases, two launches each, and quality of the first.
Plan two_cases() {
  return {.cases = {{case_of("a")}, {case_of("b")}},
          .launches = {{.case_index = 0},
                       {.case_index = 0, .is_quality = true},
                       {.case_index = 1},
                       {.case_index = 0, .index = 1},
                       {.case_index = 1, .index = 1}}};
}

const spec::Protocol protocol = {.warmup_duration_ns_min = s, .duration_ns_min = 3 * s};

}  // namespace

TEST_CASE("before anything ran, the protocol's durations are the estimate") {
  const Plan plan = two_cases();
  const Estimate estimate(plan, protocol);
  CHECK(estimate.left_ns(0) == s * 4 * (1 + 1 + 3) + s * 4);
  CHECK(estimate.left_ns(5) == 0);
}

TEST_CASE("then what the case's launches took, and for others of the model their mean") {
  const Plan plan = two_cases();
  Estimate estimate(plan, protocol);
  estimate.note_launch(case_of("a"), false, 8 * s);
  estimate.note_launch(case_of("a"), true, 2 * s);
  CHECK(estimate.left_ns(2) == s * 3 * 8);
  estimate.note_launch(case_of("b"), false, 20 * s);
  CHECK(estimate.left_ns(3) == (8 + 20) * s);
  estimate.note_end(case_of("b"));
  CHECK(estimate.left_ns(3) == 8 * s);
  CHECK(estimate.left_ns(1) == (2 + 8) * s);
}

TEST_CASE("launches that only an interval may ask for count when their turn comes") {
  Plan plan = {.cases = {{case_of("a")}}};
  for (int64_t i = 0; i < 20; ++i) plan.launches.push_back({.case_index = 0, .index = i});
  spec::Protocol precise = protocol;
  precise.launch_count = 3;
  precise.half_width = 0.02;
  Estimate estimate(plan, precise);
  CHECK(estimate.left_ns(0) == s * 11 * 5);  // the width is asked from the 11th on
  for (int i = 0; i < 11; ++i) estimate.note_launch(case_of("a"), false, 5 * s);
  CHECK(estimate.left_ns(11) == 5 * s);
}

TEST_CASE("a rate of arrivals is served after the timed loop, and takes as long again") {
  Plan plan = {.cases = {{case_of("a")}}, .launches = {{.case_index = 0}}};
  plan.cases[0].subject.workload.set("arrivals_per_s", 5.0);
  CHECK(Estimate(plan, protocol).left_ns(0) == (1 + 1 + 6) * s);
}
