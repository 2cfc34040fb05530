// A model file of the user's own as a session.
#pragma once

#include <optional>
#include <vector>

#include "measurement/engines/pytorch/kernels.h"
#include "measurement/engines/pytorch/model_file.h"
#include "measurement/worker/engine.h"

namespace qb::pytorch {

class PytorchFileSession : public worker::FileSession {
 public:
  // By the file's ending. Errors: as of the loaders; unsupported on other devices than cpu.
  static Result<std::unique_ptr<worker::FileSession>> open(const std::string& path,
                                                           const worker::CompileOptions& options,
                                                           const Kernels& has);

  const std::optional<std::vector<worker::FileInput>>& inputs() const override { return inputs_; }
  std::vector<std::string> input_names() const override { return file_.input_names; }
  std::vector<std::string> output_names() const override { return results_.names; }
  // Copies the inputs: a program may change what it is given.
  Result<void> stage(const worker::StepInputs& inputs) override;
  Result<void> run(const worker::StepInputs& inputs) override;
  std::span<const TensorView> outputs() const override;
  Json actual() const override;

 private:
  PytorchFileSession(ModelFile file, const worker::CompileOptions& options, std::string note)
      : file_(std::move(file)), options_(options), note_(std::move(note)) {}

  ModelFile file_;
  worker::CompileOptions options_;
  std::string note_;                                      // of kernels(), for actual()
  std::optional<std::vector<worker::FileInput>> inputs_;  // neither kind tells shapes
  std::vector<at::Tensor> inputs_of_run_;
  bool is_staged_ = false;
  bool has_constants_ = false;  // of what is given the numbers aren't passed: they are compiled in
  ModelOutputs results_;
  // Of results_, made when they are asked for: that is no part of a run.
  mutable std::vector<at::Tensor> contiguous_;
  mutable std::vector<TensorView> outputs_;
};

}  // namespace qb::pytorch
