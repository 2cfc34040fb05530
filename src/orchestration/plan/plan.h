// From a suite to the launches of a run, in order.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "compression/bundle/outline.h"
#include "measurement/record/input_spec.h"
#include "measurement/record/record.h"
#include "orchestration/spec/suite.h"

namespace qb::plan {

using Axes = std::map<std::string, std::vector<double>, std::less<>>;

// A model as the plan knows it: of the zoo, or the user's own.
struct PlannedModel {
  std::string name;    // in cases and tables
  std::string source;  // for qbench-prepare: the zoo's name, or an absolute path
  std::string task;
  int64_t context_tokens = 0;
  std::string content_hash = {};  // of the user's own
  std::string format = {};        // what another tool quantized it as; "": floats
  bundle::Outline outline = {};   // of all its networks
};

// What a user's flags leave of a suite; an empty list leaves all.
struct Narrowing {
  std::vector<std::string> models;  // of the zoo
  // The user's own, which take the place of the suite's of the same task.
  std::vector<PlannedModel> own_models;
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
  std::string source;              // of the model, see PlannedModel; empty: there is a file
  std::string file;         // of a framework's, see plan/own_files.h; empty: there is a source
  std::string misfit = {};  // why this machine can't run it, see plan/need.h; empty: it can
  int64_t launch_ns = 0;    // that a launch is expected to take by its shapes; 0: not known
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

// So that quality of large models takes minutes: at most so many tokens of them are judged.
inline constexpr int64_t large_weight_count = 2'000'000'000;
inline constexpr int64_t large_item_count = 256;

// Blocks of launches, each holding every case once in an order drawn from `seed`; those
// that this machine can't run have none.
void add_launches(Plan& plan, const spec::Protocol& protocol, uint64_t seed);

// Before any launch of speed, in the same order.
void judge_quality_first(Plan& plan);

// With the names of its versions in place of a framework of which several are here.
std::vector<std::string> with_versions(const std::vector<std::string>& frameworks,
                                       const Narrowing& narrowing);

Result<void> check_devices(const std::vector<std::string>& names);

// What the plan knows of the zoo's model. Error: unknown, with the known ones.
Result<PlannedModel> planned_model(std::string_view name);

// What of the machine a plan is made for.
struct Machine {
  int64_t thread_count = 1;  // where nobody says how many
  int64_t memory_bytes = 0;  // 0: not known
};

// Names are checked: an unknown model, scheme, framework or device is an error that lists the known
// ones. A list given in `narrowing` replaces the suite's; a model of the zoo that no benchmark
// lists takes the place of those of its task, as the user's own do. Cases are in the suite's order;
// launches come in blocks, each holding every case once in an order drawn from `seed`, so that a
// slow spell of the machine hits all cases alike. Quality is measured within the first block.
Result<Plan> build_plan(const spec::Suite& suite, const Narrowing& narrowing,
                        const Machine& machine, uint64_t seed);

}  // namespace qb::plan
