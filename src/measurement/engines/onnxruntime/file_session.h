// An .onnx file of the user's own as a session.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "measurement/engines/onnxruntime/runtime.h"
#include "measurement/worker/engine.h"

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
  std::vector<std::string> output_names() const override;
  // Binds the inputs where they lie and the outputs to memory of their own.
  Result<void> stage(const worker::StepInputs& inputs) override;
  Result<void> run(const worker::StepInputs& inputs) override;
  std::span<const TensorView> outputs() const override;
  Json actual() const override;

 private:
  OrtFileSession(Ort::Session session, const worker::CompileOptions& options,
                 std::set<std::string> other_files)
      : session_(std::move(session)),
        memory_(Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeDefault)),
        binding_(session_),
        options_(options),
        other_files_(std::move(other_files)) {}
  Result<void> read_inputs();
  Result<void> read_outputs();

  struct BoundInput {
    const void* data = nullptr;
    std::vector<int64_t> shape;
    Ort::Value value{nullptr};
  };
  struct Output {
    std::string name;
    ElementType type = ElementType::f32;
    std::optional<std::vector<int64_t>> shape;  // -1 where the file leaves it open
    std::vector<std::string> symbols;
    bool is_bound = false;  // to `value`, which has the output's memory
    Ort::Value value{nullptr};
  };
  bool bind_input(size_t index, const TensorView& tensor);
  std::optional<std::vector<int64_t>> shape_of(const Output& output) const;
  void bind_outputs(bool has_new_shapes);
  Result<void> run_bound();

  Ort::Session session_;
  Ort::MemoryInfo memory_;
  Ort::IoBinding binding_;
  worker::CompileOptions options_;
  std::set<std::string> other_files_;
  std::optional<std::vector<worker::FileInput>> inputs_;
  std::vector<BoundInput> bound_inputs_;
  std::vector<Output> outputs_of_file_;
  std::map<std::string, int64_t, std::less<>> extents_;  // of the symbols of the staged inputs
  bool may_bind_outputs_ = true;  // false once the file was found to be wrong about their shapes
  bool is_bound_once_ = false;
  bool is_staged_ = false;
  // Made when they are asked for: that is no part of a run.
  mutable std::vector<Ort::Value> output_values_;
  mutable std::vector<std::vector<int64_t>> output_shapes_;
  mutable std::vector<TensorView> outputs_;
};

}  // namespace qb::ort
