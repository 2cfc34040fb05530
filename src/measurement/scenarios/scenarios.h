// How each task is carried out in the worker: one row a task, one file a scenario.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "measurement/wire/request.h"
#include "measurement/wire/send.h"
#include "measurement/worker/engine.h"

namespace qb::scenarios {

struct Scenario {
  std::string_view task;  // a row of task/task.h
  // Loads, compiles and measures; sends phases, samples and facts. An error becomes the outcome.
  Result<void> (*run)(worker::Engine& engine, const wire::Request& request, const wire::Send& send);
};

std::span<const Scenario> scenarios();

// The request's scenario, with an engine that must be available.
Result<void> run_request(worker::Engine& engine, const wire::Request& request,
                         const wire::Send& send);

}  // namespace qb::scenarios
