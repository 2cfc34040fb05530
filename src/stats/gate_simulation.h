// Made-up gates with a known truth, for src/stats/gate_test.cpp and bench/gate.cpp.
#pragma once

#include <array>
#include <cmath>
#include <numeric>
#include <span>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "stats/gate.h"
#include "stats/simulation.h"

namespace qb::stats {

struct GateNoise {
  std::string_view name;
  Noise noise = Noise::normal;
  double deviation = 0.02;   // of a launch
  double correlation = 0.0;  // of neighbours in time
  double drift = 0.0;        // from the first launch of the run to the last
  double step = 0.0;         // in the middle of the run
};

inline constexpr std::array<GateNoise, 6> gate_noises = {
    {{.name = "normal 2 %"},
     {.name = "lognormal 5 %", .noise = Noise::lognormal, .deviation = 0.05},
     {.name = "AR(1) 0.5, 2 %", .correlation = 0.5},
     {.name = "t3, 2 %", .noise = Noise::heavy_tailed},
     {.name = "5 % of launches 1.5x", .noise = Noise::outliers},
     {.name = "drift 20 %, step 10 %", .drift = 0.2, .step = 0.1}}};

struct GateShape {
  size_t case_count = 100;
  size_t kind_count = 3;
  size_t launch_count = 10;
  bool is_paired = true;
  double tolerance = 0.03;
  double shift_deviation = 0.0;  // that the gate allows for
  // What got slower: the first kinds of the first case.
  double slowdown = 0.0;
  size_t slow_kind_count = 0;
};

// What the machine does to the launches one after another: neighbours alike, drift, step.
class MachineInTime {
 public:
  MachineInTime(Rng& rng, const GateNoise& noise, size_t launch_count)
      : noise_(noise), launch_count_(launch_count), state_(rng.normal()) {}

  double next(Rng& rng) {
    const double at = static_cast<double>(position_++) / static_cast<double>(launch_count_);
    double log = noise_.drift * at + (at > 0.5 ? noise_.step : 0.0);
    if (noise_.correlation > 0.0) {
      const double r = noise_.correlation;
      log += noise_.deviation * state_;
      state_ = r * state_ + std::sqrt(1.0 - r * r) * rng.normal();
    }
    return log;
  }

 private:
  const GateNoise& noise_;
  size_t launch_count_;
  size_t position_ = 0;
  double state_;
};

// The logs of one launch's figures: half of their variance is shared by all kinds, outliers and
// tails wholly.
inline std::vector<double> draw_figures(Rng& rng, const GateNoise& noise, double machine,
                                        size_t kind_count) {
  const bool is_in_time = noise.correlation > 0.0;
  const double part = noise.deviation * std::sqrt(0.5);
  const double shared = is_in_time ? 0.0 : std::log(draw_launch(rng, noise.noise, part));
  std::vector<double> logs(kind_count);
  for (double& log : logs) {
    const double own = part * rng.normal();
    log = machine + shared + (is_in_time ? 0.1 * own : own);
  }
  return logs;
}

// Both sides in one run: blocks that hold every case of both once, in random order.
inline std::vector<GateInput> draw_gate(Rng& rng, const GateNoise& noise, const GateShape& shape) {
  std::vector<GateInput> inputs(shape.case_count * shape.kind_count);
  for (size_t i = 0; i < inputs.size(); ++i) {
    inputs[i] = {.case_number = i / shape.kind_count,
                 .kind = i % shape.kind_count,
                 .is_paired = shape.is_paired,
                 .tolerance = shape.tolerance,
                 .shift_deviation = shape.shift_deviation};
  }
  std::vector<size_t> order(2 * shape.case_count);
  std::iota(order.begin(), order.end(), 0u);
  MachineInTime machine(rng, noise, order.size() * shape.launch_count);
  for (size_t block = 0; block < shape.launch_count; ++block) {
    rng.shuffle(std::span(order));
    for (const size_t item : order) {
      const double machine_now = machine.next(rng);
      const auto logs = draw_figures(rng, noise, machine_now, shape.kind_count);
      const size_t first = item / 2 * shape.kind_count;
      for (size_t k = 0; k < shape.kind_count; ++k)
        (item % 2 == 0 ? inputs[first + k].before : inputs[first + k].after).push_back(logs[k]);
    }
  }
  for (size_t k = 0; k < shape.slow_kind_count; ++k)
    for (double& log : inputs[k].after) log += std::log1p(shape.slowdown);
  return inputs;
}

// What became of many gates.
struct GateCounts {
  int gates = 0;
  int alarms = 0;         // gates that name a figure which got no worse
  int found = 0;          // gates that name one that did
  int wrongly_clear = 0;  // gates that clear one that did
  double cleared = 0.0;   // share of the figures that got no worse
  double needed = 0.0;    // launches that the undecided ones say they take, where they do: the mean
};

inline GateCounts count_gates(uint64_t seed, int gates, const GateNoise& noise,
                              const GateShape& shape) {
  GateCounts counts = {.gates = gates};
  Rng rng(seed);
  double needing = 0.0;
  for (int gate = 0; gate < gates; ++gate) {
    const std::vector<GateInput> inputs = draw_gate(rng, noise, shape);
    const std::vector<GateJudgement> judgements = judge_gate(inputs);
    bool is_alarm = false;
    bool is_found = false;
    bool is_wrong = false;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const GateJudgement& j = judgements[i];
      if (i < shape.slow_kind_count) {
        is_found |= j.answer == GateAnswer::regression;
        is_wrong |= j.answer == GateAnswer::no_regression;
        continue;
      }
      is_alarm |= j.answer == GateAnswer::regression;
      counts.cleared += j.answer == GateAnswer::no_regression ? 1.0 : 0.0;
      if (j.launches_needed) {
        counts.needed += static_cast<double>(*j.launches_needed);
        needing += 1.0;
      }
    }
    counts.alarms += is_alarm ? 1 : 0;
    counts.found += is_found ? 1 : 0;
    counts.wrongly_clear += is_wrong ? 1 : 0;
  }
  const size_t unchanged = shape.case_count * shape.kind_count - shape.slow_kind_count;
  counts.cleared /= static_cast<double>(gates) * static_cast<double>(unchanged);
  if (needing > 0.0) counts.needed /= needing;
  return counts;
}

}  // namespace qb::stats
