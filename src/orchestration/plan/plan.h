// From a suite to the launches of a run, in order.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "measurement/record/input_spec.h"
#include "measurement/record/record.h"
#include "orchestration/spec/suite.h"

namespace qb::plan {

using Axes = std::map<std::string, std::vector<double>, std::less<>>;

// What a user's flags leave of a suite; an empty list leaves all.
struct Narrowing {
  std::vector<std::string> models;
  std::vector<std::string> schemes;  // "all": every scheme there is
  std::vector<std::string> frameworks;
  std::vector<std::string> devices;
  // Values of axes (task/task.h), by their names.
  Axes axes;
  // Frameworks of which several versions are here, and the names of these ("pytorch" →
  // "pytorch@2.13.0", …), which take its place.
  std::map<std::string, std::vector<std::string>> versions;
};

struct PlannedCase {
  Case subject;
  bool quality = true;
  int64_t quality_item_count = 0;  // tokens or pictures to judge, at most; 0: all there are
  std::string file;  // of the user's own, see plan/own_files.h; empty: a model of the zoo
};

// One worker process to start.
struct PlannedLaunch {
  size_t case_index = 0;
  bool is_quality = false;
  int64_t index = 0;  // among the case's launches of that kind
};

struct Plan {
  std::vector<PlannedCase> cases;
  std::vector<PlannedLaunch> launches;
  std::vector<InputSpec> inputs;  // of files
};

// The product of the task's axes, the last one changing first: the values given, or the axis'
// default.
std::vector<Workload> workloads_of(const task::Task& task, const Axes& axes,
                                   int64_t default_thread_count);

// Blocks of launches, each holding every case once in an order drawn from `seed`.
void add_launches(Plan& plan, const spec::Protocol& protocol, uint64_t seed);

// With the names of its versions in place of a framework of which several are here.
std::vector<std::string> with_versions(const std::vector<std::string>& frameworks,
                                       const Narrowing& narrowing);

Result<void> check_devices(const std::vector<std::string>& names);

// Names are checked: an unknown model, scheme, framework or device is an error that lists the known
// ones. A list given in `narrowing` replaces the suite's. Cases are in the suite's order; launches
// come in blocks, each holding every case once in an order drawn from `seed`, so that a slow spell
// of the machine hits all cases alike. Quality is measured within the first block.
Result<Plan> build_plan(const spec::Suite& suite, const Narrowing& narrowing,
                        int64_t default_thread_count, uint64_t seed);

}  // namespace qb::plan
