// One compiled model and its bindings.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "engines/onnxruntime/lowering.h"
#include "worker/engine.h"

namespace qb::ort {

class OrtSession : public worker::Session {
 public:
  // The bundle must outlive the session.
  OrtSession(const bundle::Bundle& bundle, const worker::CompileOptions& options,
             Ort::Session session, Json notes, Json transformations);

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

  void bind_states();
  void bind_input(BoundInput& bound, const TensorView& tensor);
  void bind_output(const ir::Extents& extents);

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
  std::vector<float> logits_;
  std::vector<int64_t> output_shape_;
  std::vector<TensorView> outputs_;
  std::vector<Ort::Value> constant_values_;  // bound once
  Ort::Value output_value_{nullptr};
};

}  // namespace qb::ort
