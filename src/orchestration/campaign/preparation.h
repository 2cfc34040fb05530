// Starts qbench-prepare, which reads weight files in a process of its own, under the limits of
// workers.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "measurement/wire/request.h"

namespace qb::campaign {

struct PreparationOptions {
  std::filesystem::path log_folder;
  wire::Limits limits;  // memory and processes
  const std::atomic<bool>* is_interrupted = nullptr;
  std::function<void(std::string_view what)> tell;  // may be empty
};

// The facts that qbench-prepare tells, see prepare/preparation.h. Errors: its own, and unavailable,
// unsupported or out_of_memory where it came to that; a crash names the log.
Result<Json> run_preparation(const wire::Preparation& preparation,
                             const PreparationOptions& options);

}  // namespace qb::campaign
