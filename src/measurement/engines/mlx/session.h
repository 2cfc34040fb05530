// One lowered network and its caches.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "measurement/engines/mlx/lowering.h"
#include "measurement/worker/engine.h"

namespace qb::mlx {

class MlxSession : public worker::Session {
 public:
  // `program` is what the lowering built. The bundle must outlive the session.
  MlxSession(const bundle::Bundle& bundle, const worker::CompileOptions& options,
             Lowering& lowering, Program program);

  // Gives pictures their layout (NHWC) and type.
  Result<void> stage(const worker::StepInputs& inputs) override;
  Result<void> run(const worker::StepInputs& inputs) override;
  std::span<const TensorView> outputs() const override { return outputs_; }
  Json actual() const override;
  // What run() computes where there are no caches, not yet evaluated: inputs and outputs are as the
  // IR has them, pictures in NCHW.
  std::vector<mx::array> answer(const std::vector<mx::array>& inputs) const;

 private:
  using Arrays = std::vector<mx::array>;

  // In the layout and type that the program reads.
  mx::array to_program(const mx::array& input) const;
  // The step as MLX's graph, not yet evaluated, and outputs in any layout of memory: MLX can't
  // export what makes them contiguous. In `states`, the caches after it.
  Arrays build_step(const Arrays& inputs, Arrays& states, int64_t past_tokens) const;
  void show_outputs();

  const ir::Graph& graph_;
  worker::CompileOptions options_;
  Program program_;
  mx::Dtype compute_type_;
  std::function<Arrays(const Arrays&)> compiled_;  // of a network without caches
  std::vector<mx::array> first_slots_;             // constants, and a placeholder in the others
  std::vector<Slot> input_slots_;
  std::vector<Slot> output_slots_;
  std::vector<mx::array> states_;
  std::optional<Arrays> staged_;  // for the next run
  std::vector<mx::array> results_;
  std::vector<std::vector<int64_t>> output_shapes_;
  std::vector<TensorView> outputs_;
  size_t stream_count_ = 1;
  int64_t blas_thread_count_ = 1;
  Json notes_;
  Json transformations_;
  std::map<std::string, int64_t> kernels_;
};

}  // namespace qb::mlx
