// What became of each figure from run to run, and where it changed for good.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "results/metrics/metrics.h"
#include "results/store/store.h"
#include "stats/steps.h"

namespace qb::history {

// A change that some user has seen and wants to hear no more of.
struct Acknowledged {
  std::string case_name;  // case_id
  std::string metric;
  std::string run_id;  // the first of the new level
  std::string note;
};

struct Change {
  std::string id;    // of case, metric and run, to acknowledge it by: "3f2a9c04"
  stats::Step step;  // in the series
  bool is_acknowledged = false;
  std::string note;  // of who acknowledged it
};

// One figure of one case.
struct Series {
  Case subject;
  const metrics::Metric* metric = nullptr;
  std::vector<size_t> runs;  // of History::runs: those that have it
  std::vector<double> values;
  std::vector<Change> changes;
};

struct History {
  std::vector<Run> runs;       // of one machine, the oldest first
  size_t other_run_count = 0;  // of other machines, left out
  std::vector<Series> series;
};

// Of the machine of the newest run, since figures of another say nothing of these. `runs` newest
// first and `figures` oldest first, as the store has them; a run that is damaged is left out.
History collect(std::vector<Run> runs, std::span<const store::Figure> figures);

// Fills in the changes. Steps whose first run wandered by fewer than nights_alike runs from an
// acknowledged one count as that one: later runs may move them a little.
inline constexpr size_t nights_alike = 10;
void find_changes(History& history, const stats::StepBounds& bounds,
                  std::span<const Acknowledged> acknowledged);

// +1: worse, -1: better, 0: the metric knows neither.
int worsening(const Series& series, const Change& change);

// The metrics that the gate judges by default, in the words of the table of metrics.
std::vector<std::string> default_metrics();

Json to_json(std::span<const Acknowledged> acknowledged);
Result<std::vector<Acknowledged>> acknowledged_from(const Json& json);

}  // namespace qb::history
