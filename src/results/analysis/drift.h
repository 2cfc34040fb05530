// Whether the machine got slower or faster while a run went on, by the run's own launches.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "measurement/record/record.h"
#include "stats/drift.h"

namespace qb::analysis {

struct DeviceDrift {
  std::string device;
  stats::Drift slowdown;  // of the time that a launch's work takes
  int64_t launch_count = 0;
  int64_t case_count = 0;
};

// Of each device that has five launches a case: of cases that are ok or unstable, the launches that
// count and say when they began ("started_at_ms").
std::vector<DeviceDrift> find_drifts(const std::vector<Record>& records);

// For a record's manifest.
Json to_json(const DeviceDrift& drift);

// What a reader should know, from a manifest's "drift": empty when the interval holds no change, or
// the change is below 2 %.
std::string drift_text(const Json& drift);

}  // namespace qb::analysis
