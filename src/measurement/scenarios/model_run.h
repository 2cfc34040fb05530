// The way of every task that runs a model's bundle: load, compile, then speed or quality. What is
// special to the task it gives as functions.
#pragma once

#include "base/result.h"
#include "compression/bundle/bundle.h"
#include "compression/bundle/tensor_file.h"
#include "measurement/wire/request.h"
#include "measurement/wire/send.h"
#include "measurement/worker/engine.h"
#include "measurement/worker/measuring.h"

namespace qb::scenarios {

struct ModelTask {
  // Error: a graph that isn't of this task.
  Result<void> (*check)(const ir::Graph& graph);
  // Tokens that caches must hold; 0: there are none. `dataset`: of a quality launch, else null.
  Result<int64_t> (*context_tokens)(const wire::Request& request,
                                    const bundle::TensorFile* dataset);
  // What is found in the timed loop is left to measuring.send().
  Result<void> (*measure_speed)(const bundle::Bundle& bundle, worker::Session& session,
                                const wire::Request& request, worker::Measuring& measuring,
                                const wire::Send& send);
  Result<void> (*measure_quality)(const bundle::Bundle& bundle, worker::Session& session,
                                  const bundle::TensorFile& dataset, const wire::Request& request,
                                  const wire::Send& send);
  // Runs the first question of the speed launches; false: the workload asks none.
  Result<bool> (*ask_first)(const bundle::Bundle& bundle, worker::Session& session,
                            const wire::Request& request);
};

extern const ModelTask language;
extern const ModelTask classification;

// Phases load and compile, then the task's; sends samples and facts.
Result<void> run_model(const ModelTask& task, worker::Engine& engine, const wire::Request& request,
                       const wire::Send& send);

// The first question of the speed launches, which a quality launch must answer alike: sends
// "output_hash". Nothing when the workload has a batch, which quality is not measured with.
Result<void> answer_as_when_timed(const ModelTask& task, const bundle::Bundle& bundle,
                                  worker::Session& session, const wire::Request& request,
                                  const wire::Send& send);

}  // namespace qb::scenarios
