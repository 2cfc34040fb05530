// A suite: which cases to measure and how, as its TOML file says.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace qb::spec {

// How long and how often. Every limit holds for one launch (a fresh worker process).
struct Protocol {
  int64_t launch_count = 5;      // of a case, at least
  int64_t launch_count_max = 0;  // when half_width asks for more; 0: launch_count
  // Of the speed's 95 % interval, relative; asked of the launches from the 11th on, so that a case
  // has that many at least. 0: launch_count is enough.
  double half_width = 0.0;
  int64_t warmup_count_min = 1;
  int64_t warmup_duration_ns_min = 200'000'000;
  int64_t iteration_count_min = 3;
  int64_t duration_ns_min = 1'000'000'000;
  int64_t duration_ns_max = 20'000'000'000;
  int64_t time_limit_ns = 300'000'000'000;  // of a launch; beyond it the worker is killed
  int64_t cool_down_ns = 0;                 // asleep before each launch but the first; 0: none
  int64_t budget_ns = 0;                    // of the whole run; 0: none
  int64_t memory_bytes_max = 0;             // of a worker; 0: what the machine has
  int64_t process_count_max = 1000;         // processes and threads that a worker may add
};

// Launches that a case has before half_width is asked.
inline constexpr int64_t half_width_launches_min = 11;

// The product of its lists is what it measures.
struct Benchmark {
  std::vector<std::string> models;
  std::vector<std::string> schemes;
  std::vector<std::string> frameworks;
  std::vector<std::string> devices = {"cpu"};
  // Values of axes (task/task.h), by their names; a task takes those that it has, and its defaults
  // for those that are not here.
  std::map<std::string, std::vector<double>, std::less<>> axes;
  bool quality = true;
  int64_t quality_item_count = 0;  // tokens or pictures to judge, at most; 0: all there are
};

struct Suite {
  std::string name;
  std::string text;  // the file as it was read: part of every result's manifest
  Protocol protocol;
  std::vector<Benchmark> benchmarks;  // none: a protocol for model files
};

// Errors name the origin (a file), the line and the field; an unknown field is an error.
Result<Suite> parse_suite(std::string_view text, std::string_view origin);
Result<Suite> load_suite(const std::filesystem::path& path);

// "90s", "5m", "250ms", "1h" in nanoseconds.
Result<int64_t> parse_duration(std::string_view text);
// "800MB", "6GB" (powers of 1000) in bytes.
Result<int64_t> parse_bytes(std::string_view text);

}  // namespace qb::spec
