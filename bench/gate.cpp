// How often the gate cries wolf, and how often it finds what got worse, on made-up launches.
//   bench_gate [GATES]                        1,000 when not given
//   bench_gate GATES STORE METRIC...          on the recorded launches of a store's newest run
#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <optional>

#include "results/metrics/metrics.h"
#include "results/store/store.h"
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

// Two runs: each has a shift that all its cases share and one of each case's own, which launches
// don't average out.
std::vector<GateInput> draw_runs(Rng& rng, double allowed, double shared, double by_case) {
  auto inputs = draw_gate(rng, gate_noises[0], {.is_paired = false, .shift_deviation = allowed});
  const double of_run = std::sqrt(2.0) * shared * rng.normal();
  double of_case = 0.0;
  for (GateInput& input : inputs) {
    if (input.kind == 0) of_case = std::sqrt(2.0) * by_case * rng.normal();
    for (double& log : input.after) log += of_run + of_case;
  }
  return inputs;
}

// What became of one gate.
struct Seen {
  bool is_alarm = false;  // a regression of a case that isn't the slow one
  bool is_found = false;
  bool is_wrongly_clear = false;
  double cleared_share = 0.0;
};

Seen look_at(const std::vector<GateInput>& inputs, std::optional<size_t> slow_case = {}) {
  Seen seen;
  const auto judgements = judge_gate(inputs);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const bool is_worse = judgements[i].answer == GateAnswer::regression;
    const bool is_clear = judgements[i].answer == GateAnswer::no_regression;
    const bool is_slow = inputs[i].case_number == slow_case;
    seen.is_alarm |= is_worse && !is_slow;
    seen.is_found |= is_worse && is_slow;
    seen.is_wrongly_clear |= is_clear && is_slow;
    seen.cleared_share += is_clear ? 1.0 / static_cast<double>(inputs.size()) : 0.0;
  }
  return seen;
}

void add(GateCounts& counts, const Seen& seen) {
  counts.alarms += seen.is_alarm ? 1 : 0;
  counts.found += seen.is_found ? 1 : 0;
  counts.wrongly_clear += seen.is_wrongly_clear ? 1 : 0;
  counts.cleared += seen.cleared_share / counts.gates;
}

void print_runs_apart(int gates) {
  fmt::print(
      "\n100 cases x 3 figures, two runs apart, 10 launches of each, noise 2 %: false alarms a "
      "gate\n{:<48}{:>14}{:>14}{:>10}\n",
      "shift of a run: shared by all cases / by case", "none allowed", "3 % allowed", "cleared");
  for (const double shared : {0.0, 0.01, 0.03})
    for (const double by_case : {0.003, 0.01, 0.02}) {
      fmt::print("{:<48}", fmt::format("{:.1f} % / {:.1f} %", shared * 100.0, by_case * 100.0));
      GateCounts counts;
      for (const double allowed : {0.0, std::sqrt(2.0) * 0.03}) {
        Rng rng(4);
        counts = {.gates = gates};
        for (int i = 0; i < gates; ++i)
          add(counts, look_at(draw_runs(rng, allowed, shared, by_case)));
        fmt::print("{:>14.3f}", share(counts.alarms, counts));
      }
      fmt::print("{:>10.3f}\n", counts.cleared);
      std::fflush(stdout);
    }
}

// What is recorded of one metric of one case: the logs of its launches, worse being greater, by
// block.
struct Recorded {
  size_t case_number = 0;
  size_t kind = 0;
  std::map<int64_t, double> logs;
};

std::vector<Recorded> recorded_of(const std::vector<Record>& records,
                                  std::span<char* const> metric_names) {
  std::vector<Recorded> all;
  for (size_t i = 0; i < records.size(); ++i)
    for (size_t kind = 0; kind < metric_names.size(); ++kind) {
      const metrics::Metric* metric = metrics::find_metric(metric_names[kind]);
      if (!metric) continue;
      const Measurement m = metric->measure(records[i], *metric);
      const double sign = metric->better == metrics::Better::higher ? -1.0 : 1.0;
      Recorded recorded = {.case_number = i, .kind = kind};
      for (size_t k = 0; k < m.launch_values.size(); ++k)
        recorded.logs[m.launch_indices[k] % repeat_offset] = sign * std::log(m.launch_values[k]);
      if (recorded.logs.size() >= 8) all.push_back(std::move(recorded));
    }
  return all;
}

// Neighbouring blocks are drawn with replacement; a coin says which launch of each case is the one
// before. The figures of `slow_case` are made slower.
std::vector<GateInput> resample(Rng& rng, const std::vector<Recorded>& recorded, size_t pairs,
                                size_t slow_case, double slowdown) {
  std::vector<std::pair<int64_t, std::vector<bool>>> blocks;
  for (size_t i = 0; i < pairs; ++i) {
    const auto last = static_cast<uint64_t>(recorded.front().logs.rbegin()->first);
    blocks.emplace_back(static_cast<int64_t>(rng.below(last)), std::vector<bool>());
    for (size_t k = 0; k <= recorded.back().case_number; ++k)
      blocks.back().second.push_back(rng.uniform() < 0.5);
  }
  std::vector<GateInput> inputs;
  for (const Recorded& r : recorded) {
    GateInput input = {
        .case_number = r.case_number, .kind = r.kind, .is_paired = true, .tolerance = 0.03};
    for (const auto& [block, coins] : blocks) {
      const auto first = r.logs.find(block);
      const auto second = r.logs.find(block + 1);
      if (first == r.logs.end() || second == r.logs.end()) continue;
      const bool swaps = coins[r.case_number];
      input.before.push_back(swaps ? second->second : first->second);
      input.after.push_back((swaps ? first->second : second->second) +
                            (r.case_number == slow_case ? std::log1p(slowdown) : 0.0));
    }
    inputs.push_back(std::move(input));
  }
  return inputs;
}

Result<std::vector<Recorded>> load_recorded(const char* path, std::span<char* const> metric_names) {
  QB_TRY(const store::Store store, store::Store::open_to_read(path));
  QB_TRY(const std::vector<Run> runs, store.load_runs());
  if (runs.empty()) return fail(Errc::not_found, "{}: has no run", path);
  QB_TRY(const std::vector<Record> records, store.load_records(runs.front().id));
  std::vector<Recorded> recorded = recorded_of(records, metric_names);
  if (recorded.empty()) return fail(Errc::not_found, "{}: no metric has eight launches", path);
  return recorded;
}

// How much a launch differs from the next, one standard deviation of a launch.
double noise_of(const Recorded& recorded) {
  std::vector<double> differences;
  for (auto it = recorded.logs.begin(); std::next(it) != recorded.logs.end(); ++it)
    differences.push_back(std::next(it)->second - it->second);
  return *standard_deviation(differences) / std::sqrt(2.0);
}

void print_recorded(int gates, const std::vector<Recorded>& recorded) {
  std::vector<double> noise;
  for (const Recorded& r : recorded) noise.push_back(noise_of(r));
  fmt::print(
      "{} figures, {} launches; a launch differs from its neighbour by {:.1f} % (median; {:.1f} to "
      "{:.1f} %)\n{:>9}{:>14}{:>10}{:>18}{:>10}\n",
      recorded.size(), recorded.front().logs.size(), median(noise) * 100.0,
      quantile(noise, 0.0) * 100.0, quantile(noise, 1.0) * 100.0, "pairs", "false alarms",
      "cleared", "10 % slower found", "wrong no");
  for (const size_t pairs : {5u, 8u, 12u, 20u}) {
    GateCounts same = {.gates = gates};
    GateCounts slow = {.gates = gates};
    Rng rng(5);
    for (int gate = 0; gate < gates; ++gate) {
      add(same, look_at(resample(rng, recorded, pairs, 0, 0.0)));
      const size_t slow_case = recorded[rng.below(recorded.size())].case_number;
      add(slow, look_at(resample(rng, recorded, pairs, slow_case, 0.10), slow_case));
    }
    fmt::print("{:>9}{:>14.3f}{:>10.3f}{:>18.3f}{:>10.3f}\n", pairs, share(same.alarms, same),
               same.cleared, share(slow.found, slow), share(slow.wrongly_clear, slow));
  }
}

}  // namespace

int main(int argument_count, char** arguments) {
  const int gates = argument_count > 1 ? std::atoi(arguments[1]) : 1000;
  if (gates < 1 || argument_count == 3) {
    fmt::print(stderr, "bench_gate [GATES [STORE METRIC...]]\n");
    return 2;
  }
  if (argument_count > 3) {
    const auto recorded = load_recorded(
        arguments[2], std::span(arguments + 3, static_cast<size_t>(argument_count - 3)));
    if (recorded)
      print_recorded(gates, *recorded);
    else
      fmt::print(stderr, "{}\n", recorded.error().message);
    return recorded ? 0 : 2;
  }
  print_interleaved(gates);
  print_runs_apart(gates);
  return 0;
}
