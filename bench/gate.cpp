// How often the gate cries wolf, and how often it finds what got worse, on made-up launches.
//   bench_gate [GATES]     1,000 when not given
#include <fmt/format.h>

#include <cstdlib>

#include "stats/gate_simulation.h"

using namespace qb;
using namespace qb::stats;

namespace {

double share(int part, const GateCounts& counts) {
  return part / static_cast<double>(counts.gates);
}

void print_interleaved(int gates) {
  fmt::print(
      "100 cases x 3 figures, both sides in one run, tolerance 3 %, {} gates each\n"
      "{:<24}{:>9}{:>9}{:>9}{:>9}   5 % slower, all figures / one figure of one case\n"
      "{:<24}{:>9}{:>9}{:>9}{:>9}{:>9}{:>10}{:>9}{:>10}\n",
      gates, "", "", "false", "", "launches", "noise", "launches", "alarms", "cleared", "needed",
      "found", "wrong no", "found", "wrong no");
  for (const GateNoise& noise : gate_noises)
    for (const size_t launches : {5u, 8u, 10u, 12u, 20u}) {
      const GateShape shape = {.launch_count = launches};
      GateShape slow = shape;
      slow.slowdown = 0.05;
      slow.slow_kind_count = 3;
      GateShape slow_in_one = slow;
      slow_in_one.slow_kind_count = 1;
      const GateCounts same = count_gates(1, gates, noise, shape);
      const GateCounts all = count_gates(2, gates, noise, slow);
      const GateCounts one = count_gates(3, gates, noise, slow_in_one);
      fmt::print("{:<24}{:>9}{:>9.3f}{:>9.3f}{:>9.1f}{:>9.3f}{:>10.3f}{:>9.3f}{:>10.3f}\n",
                 noise.name, launches, share(same.alarms, same), same.cleared, same.needed,
                 share(all.found, all), share(all.wrongly_clear, all), share(one.found, one),
                 share(one.wrongly_clear, one));
      std::fflush(stdout);
    }
}

// One run against another: each has a shift that all its cases share and one of each case's own,
// which launches don't average out.
void print_runs_apart(int gates) {
  fmt::print(
      "\n100 cases x 3 figures, two runs apart, 10 launches of each, noise 2 %: false alarms a "
      "gate\n"
      "{:<48}{:>14}{:>14}{:>10}\n",
      "shift of a run: shared by all cases / by case", "none allowed", "3 % allowed", "cleared");
  for (const double shared : {0.0, 0.01, 0.03})
    for (const double by_case : {0.003, 0.01, 0.02}) {
      fmt::print("{:<48}", fmt::format("{:.1f} % / {:.1f} %", shared * 100.0, by_case * 100.0));
      GateCounts last;
      for (const double allowed : {0.0, std::sqrt(2.0) * 0.03}) {
        const GateShape shape = {.is_paired = false, .shift_deviation = allowed};
        Rng rng(4);
        last = {.gates = gates};
        for (int gate = 0; gate < gates; ++gate) {
          auto inputs = draw_gate(rng, gate_noises[0], shape);
          const double of_run = std::sqrt(2.0) * shared * rng.normal();
          double of_case = 0.0;
          for (size_t i = 0; i < inputs.size(); ++i) {
            if (inputs[i].kind == 0) of_case = std::sqrt(2.0) * by_case * rng.normal();
            for (double& log : inputs[i].after) log += of_run + of_case;
          }
          bool is_alarm = false;
          for (const GateJudgement& j : judge_gate(inputs)) {
            is_alarm |= j.answer == GateAnswer::regression;
            last.cleared += j.answer == GateAnswer::no_regression ? 1.0 : 0.0;
          }
          last.alarms += is_alarm ? 1 : 0;
        }
        fmt::print("{:>14.3f}", share(last.alarms, last));
      }
      fmt::print("{:>10.3f}\n", last.cleared / (300.0 * gates));
      std::fflush(stdout);
    }
}

}  // namespace

int main(int argument_count, char** arguments) {
  const int gates = argument_count > 1 ? std::atoi(arguments[1]) : 1000;
  if (gates < 1) {
    fmt::print(stderr, "bench_gate [GATES]\n");
    return 2;
  }
  print_interleaved(gates);
  print_runs_apart(gates);
  return 0;
}
