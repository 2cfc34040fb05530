// One metric of a pair of records: the figures, and what an analysis of their change starts from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "results/comparison/pairs.h"
#include "results/metrics/metrics.h"

namespace qb::comparison {

// What is known of a machine beyond its launches, as standard deviations of a time's log.
struct Shifts {
  // Of a run: another session finds the machine in another state. Runs that weren't interleaved.
  double run = 0.03;
  // Of a build: layout and alignment move each case for good.
  double build = 0.005;
};

enum class FigureKind : uint8_t {
  launches,  // a value of each launch, which differ
  exact,     // the same in every launch, as bytes on disk: any change is one
  judged,    // quality, on the same items
};

struct Figures {
  const metrics::Metric* metric = nullptr;
  const Measurement* before = nullptr;
  const Measurement* after = nullptr;
  FigureKind kind = FigureKind::launches;
  // Of launches: logs, greater being worse. Paired: launch i of one ran beside launch i of the
  // other.
  std::vector<double> before_logs;
  std::vector<double> after_logs;
  bool is_paired = false;
  double shift_deviation = 0.0;  // of the difference of the two sides
  std::string problem;           // why they can't be compared; empty: they can
};

// +1 where less is better, -1 where more is: of a log or a value, so that greater is worse.
double worse_sign(const metrics::Metric& metric);

// Times, rates and energy vary with the state of the machine; bytes don't.
bool depends_on_machine(const metrics::Metric& metric);

// The metric of both records; their measurements must hold launch values (metrics::measure) and
// outlive the figures.
Figures figures_of(const Pair& pair, const metrics::Metric& metric, bool are_interleaved,
                   const Shifts& shifts);

}  // namespace qb::comparison
