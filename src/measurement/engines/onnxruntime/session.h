// One compiled model and its bindings.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "measurement/engines/onnxruntime/lowering.h"
#include "measurement/worker/engine.h"

namespace qb::ort {

class OrtSession : public worker::Session {
 public:
  // The bundle must outlive the session.
  OrtSession(const bundle::Bundle& bundle, const worker::CompileOptions& options,
             Ort::Session session, Json notes, Json transformations);

  // Binds inputs, which are read where they lie, and memory for the outputs.
  Result<void> stage(const worker::StepInputs& inputs) override;
  Result<void> run(const worker::StepInputs& inputs) override;
  std::span<const TensorView> outputs() const override { return outputs_; }
  Json actual() const override;

 private:
  struct BoundInput {
    std::string name;
    const void* data = nullptr;
    std::vector<int64_t> shape;
    Ort::Value value{nullptr};
  };

  struct BoundOutput {
    ir::Value value;
    std::vector<int64_t> shape;
    std::vector<float> values;
    Ort::Value tensor{nullptr};
  };

  void bind_states();
  void bind_input(BoundInput& bound, const TensorView& tensor);
  void bind_output(BoundOutput& bound, const ir::Extents& extents);

  const bundle::Bundle& bundle_;
  worker::CompileOptions options_;
  Ort::Session session_;
  Ort::MemoryInfo memory_;
  Ort::IoBinding binding_;
  Json notes_, transformations_;
  std::vector<BoundInput> inputs_;
  std::vector<std::vector<float>> caches_;
  std::vector<int32_t> last_index_;  // per sequence: tokens in the cache after this step, less one
  int32_t total_tokens_ = 0;
  std::vector<BoundOutput> bound_outputs_;  // in the graph's order
  std::vector<TensorView> outputs_;
  bool is_staged_ = false;
  std::vector<Ort::Value> constant_values_;  // bound once
};

}  // namespace qb::ort
