// An .onnx file of the user's own as a session.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "engines/onnxruntime/runtime.h"
#include "worker/engine.h"

namespace qb::ort {

class OrtFileSession : public worker::FileSession {
 public:
  // Error: unsupported, for inputs or outputs that are no tensors or of a type qbench doesn't know.
  static Result<std::unique_ptr<worker::FileSession>> make(Ort::Session session,
                                                           const worker::CompileOptions& options,
                                                           std::set<std::string> other_files);

  const std::optional<std::vector<worker::FileInput>>& inputs() const override { return inputs_; }
  std::vector<std::string> other_files() const override {
    return {other_files_.begin(), other_files_.end()};
  }
  Result<void> run(const worker::StepInputs& inputs) override;
  std::span<const TensorView> outputs() const override;
  Json actual() const override;

 private:
  OrtFileSession(Ort::Session session, const worker::CompileOptions& options,
                 std::set<std::string> other_files)
      : session_(std::move(session)),
        memory_(Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeDefault)),
        options_(options),
        other_files_(std::move(other_files)) {}
  Result<void> read_inputs();
  Result<void> read_outputs();

  Ort::Session session_;
  Ort::MemoryInfo memory_;
  worker::CompileOptions options_;
  std::set<std::string> other_files_;
  std::optional<std::vector<worker::FileInput>> inputs_;
  std::vector<std::string> output_names_;
  std::vector<const char*> input_pointers_;  // to the names, as ONNX Runtime takes them
  std::vector<const char*> output_pointers_;
  std::vector<Ort::Value> input_values_;
  std::vector<Ort::Value> output_values_;
  // Views of output_values_, made when they are asked for: that is no part of a run.
  mutable std::vector<std::vector<int64_t>> output_shapes_;
  mutable std::vector<TensorView> outputs_;
};

}  // namespace qb::ort
