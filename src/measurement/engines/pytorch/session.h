// One network compiled for PyTorch, and its caches.
#pragma once

#include <vector>

#include "measurement/engines/pytorch/lowering.h"
#include "measurement/worker/engine.h"

namespace qb::pytorch {

class PytorchSession : public worker::Session {
 public:
  // Errors: unsupported, as the lowering says. The bundle must outlive the session.
  static Result<std::unique_ptr<worker::Session>> compile(const bundle::Bundle& bundle,
                                                          const worker::CompileOptions& options,
                                                          at::Device device, const Kernels& has);

  Result<void> stage(const worker::StepInputs& inputs) override;
  Result<void> run(const worker::StepInputs& inputs) override;
  std::span<const TensorView> outputs() const override { return outputs_; }
  Json actual() const override;

 private:
  PytorchSession(const bundle::Bundle& bundle, const worker::CompileOptions& options,
                 Lowering lowering, Program program);
  void take_outputs();

  const bundle::Bundle& bundle_;
  worker::CompileOptions options_;
  Lowering lowering_;
  Program program_;
  std::vector<Slot> input_slots_, output_slots_;
  Frame frame_;
  std::vector<at::Tensor> staged_;   // inputs of the next run; empty: not staged
  std::vector<at::Tensor> results_;  // f32, contiguous, in the host's memory
  std::vector<TensorView> outputs_;
};

}  // namespace qb::pytorch
