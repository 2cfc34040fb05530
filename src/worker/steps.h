// One step repeated until steady, whatever it is: its samples, its answers, their audit.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "wire/request.h"
#include "worker/events.h"
#include "worker/timed_loop.h"

namespace qb::worker {

inline constexpr size_t sample_capacity = 1'000'000;
inline constexpr int64_t input_count = 4;  // different inputs, in turn, so that no answer is kept

std::vector<int64_t> with_room();
// Samples before `first`, and from there on.
std::vector<int64_t> head_of(const std::vector<int64_t>& samples, size_t first);
std::vector<int64_t> tail_of(const std::vector<int64_t>& samples, size_t first);
void send_settling(const LoopEnd& end, const Send& send);

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

struct Steps {
  std::function<Result<void>(int64_t number)> run;  // with input number % input_count
  // Of the last run's outputs. Error: outputs that can't be right.
  std::function<Result<std::string>()> hash_outputs;
  // Makes an input that was never seen before and gives its run; empty: there is none.
  std::function<std::function<Result<void>()>()> fresh;
};

Result<void> send_output_hash(const Steps& steps, const char* name, const Send& send);

// The same input again and again must give the first run's answer and take as long as inputs that
// were never seen before (LoadGen's TEST04): what keeps answers is faster with every one of them.
Result<void> audit(const Steps& steps, const Send& send);

// First run, the loop until steady, the audit, and arrivals where the workload has a rate; sends
// their samples ("inference"), hashes and facts.
Result<void> measure_steps(const Steps& steps, const wire::Request& request, const Send& send);

}  // namespace qb::worker
