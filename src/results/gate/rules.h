// How much worse a run may be, by metric.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "results/comparison/figures.h"

namespace qb::gate {

// Stands for the speed metric of each task.
inline constexpr std::string_view speed_name = "speed";

struct Tolerance {
  std::string metric;  // of the table of metrics, or speed_name
  double value = 0.0;  // how much worse is let pass
  bool is_relative = true;

  std::string text() const;  // "3 %", "0.005"
};

struct Rules {
  // Of gates of which nothing got worse, the share that may say so.
  double false_alarms = 0.01;
  comparison::Shifts shifts;
  std::vector<Tolerance> tolerances;
};

// Speed 3 %, memory 2 %, bytes on disk 1 %, agreement and accuracy 0.005, perplexity 0.5 %.
Rules default_rules();

// TOML; its [tolerance] takes the place of the default one:
//
//   false_alarms = 0.01
//   run_noise    = "3 %"
//   build_noise  = "0.5 %"
//   [tolerance]
//   speed          = "3 %"      # of the figure before
//   top1_agreement = 0.005      # in the metric's unit
//
// Errors name file, line and field.
Result<Rules> parse_rules(std::string_view text, std::string_view origin);

// The metric that the tolerance is about in that task; null where the task doesn't have it.
const metrics::Metric* metric_of(const Tolerance& tolerance, const Record& record);

}  // namespace qb::gate
