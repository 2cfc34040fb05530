// Starts one worker process, follows its events, and turns whatever happens into a Launch.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "measurement/record/record.h"
#include "measurement/wire/request.h"

namespace qb::runner {

struct LaunchOptions {
  std::filesystem::path worker;               // the program
  std::vector<std::string> environment = {};  // "NAME=value", beside this process's own
  std::filesystem::path log_folder;           // gets <name>.request.json and <name>.log
  std::string name;
  int64_t time_limit_ns = 300'000'000'000;
  // Set by a signal handler: the worker is then killed and the launch is not to be recorded.
  const std::atomic<bool>* is_interrupted = nullptr;
  std::function<void(std::string_view phase)> on_phase;
};

// Never fails: an error is the launch's outcome, its reason says what to look at. The worker gets a
// process group of its own, which is killed whole when the launch ends. Sleeps while it runs.
Launch run_launch(const wire::Request& request, const LaunchOptions& options);

}  // namespace qb::runner
