#include "results/comparison/racing.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "results/metrics/launches.h"
#include "stats/race.h"

namespace qb::comparison {
namespace {

// The log of the figure in each round, greater being worse; a repeat stands for what it repeats.
std::map<int64_t, double> logs_of(const Record& record, const metrics::Metric& metric) {
  std::map<int64_t, double> logs;
  const Measurement* m = find_measurement(record, metric.name);
  if (!m) return logs;
  for (size_t i = 0; i < m->launch_values.size(); ++i)
    if (m->launch_values[i] > 0.0)
      logs[m->launch_indices[i] % repeat_offset] =
          worse_sign(metric) * std::log(m->launch_values[i]);
  return logs;
}

const Constraint* violated(const Record& record, const std::vector<Constraint>& constraints) {
  const auto found = std::ranges::find_if(constraints, [&](const Constraint& constraint) {
    return surely_violates(record, constraint);
  });
  return found == constraints.end() ? nullptr : &*found;
}

struct Runner {
  const Record* record = nullptr;
  std::map<int64_t, double> logs;
};

// Those of the record's group that may be the best.
std::vector<Runner> runners_of(const std::vector<Record>& records, const Record& record,
                               const std::vector<Constraint>& constraints,
                               const metrics::Metric& metric) {
  std::vector<Runner> runners;
  for (const Record& other : records)
    if (are_candidates_of_one(record, other) && other.outcome == Outcome::ok &&
        !violated(other, constraints))
      runners.push_back({&other, logs_of(other, metric)});
  return runners;
}

// One round; false where not every open runner has been measured in it yet.
bool run_round(const std::vector<Runner>& runners, int64_t round, stats::Race& race) {
  std::vector<double> logs;
  for (const size_t i : race.open()) {
    const auto found = runners[i].logs.find(round);
    if (found == runners[i].logs.end()) return false;
    logs.push_back(found->second);
  }
  race.add_round(logs);
  return true;
}

}  // namespace

std::string why_enough(const std::vector<Record>& records, const Record& record, int64_t index,
                       const std::vector<Constraint>& constraints,
                       const metrics::Metric* preferred) {
  if (const Constraint* constraint = violated(record, constraints))
    return fmt::format("{} is not {}", constraint->metric->label, bound_text(*constraint));
  const metrics::Metric& metric =
      preferred ? *preferred : *metrics::find_metric(metrics::speed_metric(record));
  const std::vector<Runner> runners = runners_of(records, record, constraints, metric);
  const auto own = std::ranges::find(runners, &record, &Runner::record);
  if (own == runners.end()) return {};
  const auto number = static_cast<size_t>(own - runners.begin());
  stats::Race race(runners.size());
  for (int64_t round = 0; round < index && !race.is_over(); ++round)
    if (!run_round(runners, round, race)) return {};
  const bool is_open = std::ranges::find(race.open(), number) != race.open().end();
  if (!is_open)
    return fmt::format("{} is surely better by {}", case_id(runners[race.leader()].record->subject),
                       metric.label);
  // A single one fulfils all: one launch tells its figure.
  if (race.is_over() && index > 0)
    return runners.size() == 1       ? "no other fulfils the constraints"
           : race.open().size() == 1 ? "it is surely the best"
                                     : "those that are left are alike";
  return {};
}

}  // namespace qb::comparison
