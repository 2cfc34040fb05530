// What tasks of pictures are timed on: batches of made-up ones.
#pragma once

#include <cstdint>
#include <vector>

#include "base/rng.h"
#include "measurement/wire/request.h"
#include "measurement/worker/engine.h"
#include "measurement/worker/steps.h"

namespace qb::scenarios {

// Pictures that differ, in turn, for the network's only input.
class MadeUpPictures {
 public:
  MadeUpPictures(const ir::Graph& graph, const wire::Request& request, worker::Session& session)
      : shape_(ir::bind(graph[graph.of_kind(ir::ValueKind::input)[0]].shape,
                        {{ir::Symbol::batch, request.workload.batch()}})),
        session_(session),
        rng_(derive_seed(request.seed, "pictures")),
        values_(element_count(shape_) * worker::input_count),
        fresh_(element_count(shape_)) {
    draw(values_);
  }
  Result<void> stage(int64_t number) {
    return stage_values(values_.data() +
                        static_cast<size_t>(number % worker::input_count) * element_count(shape_));
  }
  // Pictures that no run has seen.
  Result<void> stage_fresh() {
    draw(fresh_);
    return stage_values(fresh_.data());
  }
  Result<void> run() { return session_.run({{&staged_, 1}, 0}); }

 private:
  void draw(std::vector<float>& values) {
    for (float& value : values) value = static_cast<float>(2.0 * rng_.uniform() - 1.0);
  }
  Result<void> stage_values(const float* values) {
    staged_ = {ElementType::f32, shape_, values};
    return session_.stage({{&staged_, 1}, 0});
  }

  std::vector<int64_t> shape_;
  worker::Session& session_;
  Rng rng_;
  std::vector<float> values_;
  std::vector<float> fresh_;
  TensorView staged_;
};

}  // namespace qb::scenarios
