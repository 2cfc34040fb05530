// Waiting for a machine that can be measured: on mains, cool, and with nothing else to do.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "base/json.h"

namespace qb::campaign {

// Why a machine in that condition (probes::describe_condition) can't be measured; empty: it can.
// What the system doesn't tell is no hindrance.
std::string hindrance_of(const Json& condition, int64_t core_count);

struct Wait {
  int64_t waited_ns = 0;
  std::string first_hindrance;  // empty: there was none
  std::string last_hindrance;   // empty: it is quiet now
};

struct WaitSettings {
  int64_t longest_ns = 0;
  int64_t look_ns = 30'000'000'000;
  int64_t core_count = 1;
  const std::atomic<bool>* is_interrupted = nullptr;
  std::function<Json()> condition;                     // probes::describe_condition
  std::function<void(const std::string&)> on_waiting;  // each new hindrance; may be empty
};

Wait wait_until_quiet(const WaitSettings& settings);

}  // namespace qb::campaign
