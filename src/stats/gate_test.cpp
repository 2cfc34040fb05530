// The gate on made-up launches: a short cut, with fixed seeds, of bench/gate.cpp.
#include "stats/gate.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "stats/gate_simulation.h"

using namespace qb;
using namespace qb::stats;

namespace {

constexpr int gate_count = 60;

GateInput input_of(std::vector<double> before, std::vector<double> after) {
  return {
      .before = std::move(before), .after = std::move(after), .is_paired = true, .tolerance = 0.03};
}

}  // namespace

TEST_CASE("of gates of which nothing got worse hardly one names a regression") {
  int alarms = 0;
  for (const GateNoise& noise : gate_noises)
    alarms += count_gates(1, gate_count, noise, {.case_count = 40, .launch_count = 10}).alarms;
  CHECK(alarms <= 6);  // of 360; a gate at 5 % a figure would give nearly as many as there are
}

TEST_CASE("5 % at a noise of 2 % is found in twelve launches, and none is called clear") {
  for (const size_t kinds : {1u, 3u}) {
    const GateCounts counts = count_gates(
        2, gate_count, gate_noises[0],
        {.case_count = 40, .launch_count = 12, .slowdown = 0.05, .slow_kind_count = kinds});
    CHECK(counts.found >= 57);
    CHECK(counts.wrongly_clear <= 1);
    CHECK(counts.cleared > 0.9);
  }
}

TEST_CASE("at a noise of 5 % the gate can't tell, instead of telling wrongly") {
  const GateCounts counts =
      count_gates(3, gate_count, {.name = "", .deviation = 0.05},
                  {.case_count = 40, .launch_count = 6, .slowdown = 0.05, .slow_kind_count = 3});
  CHECK(counts.found < 20);
  CHECK(counts.wrongly_clear <= 3);
  CHECK(counts.cleared < 0.3);
  CHECK(counts.needed > 6.0);
}

TEST_CASE("a shift that launches don't average out is no regression when it is allowed for") {
  Rng rng(4);
  const auto alarms = [&](double allowed) {
    int count = 0;
    for (int gate = 0; gate < gate_count; ++gate) {
      auto inputs = draw_gate(rng, gate_noises[0],
                              {.case_count = 20, .is_paired = false, .shift_deviation = allowed});
      const double shift = std::sqrt(2.0) * 0.03 * rng.normal();
      for (GateInput& input : inputs)
        for (double& log : input.after) log += shift;
      bool is_alarm = false;
      for (const GateJudgement& j : judge_gate(inputs))
        is_alarm |= j.answer == GateAnswer::regression;
      count += is_alarm ? 1 : 0;
    }
    return count;
  };
  CHECK(alarms(0.0) >= 10);
  CHECK(alarms(std::sqrt(2.0) * 0.03) <= 2);
}

TEST_CASE("fewer than three launches decide nothing, and say so") {
  const GateInput few = input_of({0.0, 0.01}, {0.5, 0.51});
  const GateJudgement j = judge_gate(std::span(&few, 1))[0];
  CHECK(j.answer == GateAnswer::undecided);
  CHECK_FALSE(j.interval);
  CHECK(j.launches_needed == gate_launches_min);
}

TEST_CASE("a change within the tolerance is none, however sure it is") {
  const GateInput small = input_of({0.0, 0.001, 0.0, 0.001, 0.0}, {0.02, 0.021, 0.02, 0.021, 0.02});
  CHECK(judge_gate(std::span(&small, 1))[0].answer == GateAnswer::no_regression);
  const GateInput large = input_of({0.0, 0.001, 0.0, 0.001, 0.0}, {0.05, 0.051, 0.05, 0.051, 0.05});
  const GateJudgement j = judge_gate(std::span(&large, 1))[0];
  CHECK(j.answer == GateAnswer::regression);
  CHECK(j.interval->low > 0.04);
  CHECK(j.interval->high < 0.06);
}

TEST_CASE("with the launches that the undecided need, nine in ten of them are decided") {
  Rng rng(5);
  int undecided = 0;
  int decided = 0;
  for (int gate = 0; gate < 6; ++gate) {
    const auto all = draw_gate(rng, gate_noises[0], {.case_count = 30, .launch_count = 60});
    const auto first = [&](size_t count) {
      auto inputs = all;
      for (GateInput& input : inputs) {
        input.before.resize(count);
        input.after.resize(count);
      }
      return judge_gate(inputs);
    };
    const auto early = first(6);
    for (size_t i = 0; i < early.size(); ++i) {
      if (early[i].answer != GateAnswer::undecided || !early[i].launches_needed) continue;
      const auto needed = std::min<size_t>(60, static_cast<size_t>(*early[i].launches_needed));
      ++undecided;
      decided += first(needed)[i].answer == GateAnswer::undecided ? 0 : 1;
    }
  }
  REQUIRE(undecided > 50);
  CHECK(decided >= undecided * 85 / 100);
}

TEST_CASE("launches needed are those with which it would be decided, or none where none would") {
  GateInput noisy = input_of({0.0, 0.04, -0.04, 0.02, -0.02}, {0.01, 0.0, 0.0, 0.03, -0.03});
  const auto needed = judge_gate(std::span(&noisy, 1))[0].launches_needed;
  REQUIRE(needed);
  CHECK(*needed > 5);
  CHECK(*needed < 200);
  noisy.shift_deviation = 0.03;  // as wide as the tolerance
  CHECK_FALSE(judge_gate(std::span(&noisy, 1))[0].launches_needed);
}
