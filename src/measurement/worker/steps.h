// One step repeated until steady, whatever it is: its samples, its answers, their audit.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "measurement/wire/request.h"
#include "measurement/wire/send.h"
#include "measurement/worker/measuring.h"
#include "measurement/worker/timed_loop.h"

namespace qb::worker {

inline constexpr int64_t input_count = 4;  // different inputs, in turn, so that no answer is kept

// Samples before `first`, and from there on.
std::vector<int64_t> head_of(const std::vector<int64_t>& samples, size_t first);
std::vector<int64_t> tail_of(const std::vector<int64_t>& samples, size_t first);
void send_settling(const LoopEnd& end, const wire::Send& send);

// Hashes of what the timed runs answer to each of the inputs that come in turn.
class Answers {
 public:
  void add(int64_t number, std::string hash);
  // The same input always gave the same answer.
  bool are_equal() const { return are_equal_; }

 private:
  std::string hashes_[input_count];
  bool are_equal_ = true;
};

// What is timed is run() alone; stage() and stage_fresh() come before the clock starts.
struct Steps {
  std::function<Result<void>(int64_t number)> stage;  // input number % input_count
  std::function<Result<void>()> run;                  // with what was staged last
  // Of the last run's outputs. Error: outputs that can't be right.
  std::function<Result<std::string>()> hash_outputs;
  std::function<Result<void>()> stage_fresh;  // an input never seen before; empty: there is none
  std::string item = {};                      // what a run takes: "pictures"; empty: not counted
  int64_t item_count = 0;                     // of a run
};

Result<void> send_output_hash(const Steps& steps, const char* name, const wire::Send& send);

// Stages input 0 and times the first run of the process; sends its sample.
Result<void> time_first_run(const Steps& steps, const wire::Send& send);

// The same input again and again must give the first run's answer and take as long as inputs that
// were never seen before (LoadGen's TEST04): what keeps answers is faster with every one of them.
Result<void> audit(const Steps& steps, const wire::Send& send);

// First run, the loop until steady, the audit, and arrivals where the workload has a rate; sends
// their samples ("inference"), hashes and facts.
Result<void> measure_steps(const Steps& steps, const wire::Request& request, Measuring& measuring,
                           const wire::Send& send);

}  // namespace qb::worker
