// The way of every task that runs a model of the zoo: load, compile, then speed or quality. What is
// special to the task it gives as functions.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "compression/bundle/bundle.h"
#include "compression/bundle/tensor_file.h"
#include "measurement/wire/request.h"
#include "measurement/wire/send.h"
#include "measurement/worker/engine.h"
#include "measurement/worker/measuring.h"

namespace qb::scenarios {

// One of the model's networks, compiled. A model of one has one, without a name.
struct NetworkView {
  std::string_view name;
  const bundle::Bundle& bundle;
  worker::Session& session;
};
using Networks = std::span<const NetworkView>;
struct GraphView {
  std::string_view name;
  const ir::Graph& graph;
};

struct ModelTask {
  // Error: networks that aren't of this task.
  Result<void> (*check)(std::span<const GraphView> graphs);
  // Tokens that caches must hold; 0: there are none. `dataset`: of a quality launch, else null.
  Result<int64_t> (*context_tokens)(const wire::Request& request,
                                    const bundle::TensorFile* dataset);
  // What is found in the timed loop is left to measuring.send().
  Result<void> (*measure_speed)(Networks networks, const wire::Request& request,
                                worker::Measuring& measuring, const wire::Send& send);
  Result<void> (*measure_quality)(Networks networks, const bundle::TensorFile& dataset,
                                  const wire::Request& request, const wire::Send& send);
  // Runs the first question of the speed launches and gives the hash of what was answered; "": the
  // workload asks none.
  Result<std::string> (*answer_first)(Networks networks, const wire::Request& request);
};

extern const ModelTask language;
extern const ModelTask classification;
extern const ModelTask zero_shot;
extern const ModelTask embedding;

// The network of a task that has but one. Error: the model has several.
Result<const ir::Graph*> only_graph(std::span<const GraphView> graphs);

// Phases load and compile, then the task's; sends samples and facts.
Result<void> run_model(const ModelTask& task, worker::Engine& engine, const wire::Request& request,
                       const wire::Send& send);

// The first question of the speed launches, which a quality launch must answer alike: sends
// "output_hash". Nothing when the workload has a batch, which quality is not measured with.
Result<void> answer_as_when_timed(const ModelTask& task, Networks networks,
                                  const wire::Request& request, const wire::Send& send);

}  // namespace qb::scenarios
