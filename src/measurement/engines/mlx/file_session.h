// An exported MLX function (.mlxfn) of the user's own as a session.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "measurement/engines/mlx/arrays.h"
#include "measurement/worker/engine.h"

namespace qb::mlx {

class MlxFileSession : public worker::FileSession {
 public:
  // On the default device. Throws what MLX throws when the file is no exported function.
  MlxFileSession(const std::string& path, const worker::CompileOptions& options);

  const std::optional<std::vector<worker::FileInput>>& inputs() const override { return inputs_; }
  Result<void> stage(const worker::StepInputs& inputs) override;
  // Arguments are given by position.
  Result<void> run(const worker::StepInputs& inputs) override;
  std::span<const TensorView> outputs() const override;
  Json actual() const override;

 private:
  worker::CompileOptions options_;
  mx::ImportedFunction function_;
  std::optional<std::vector<worker::FileInput>> inputs_;  // the file doesn't tell
  int64_t blas_thread_count_ = 1;
  mx::Args arguments_;
  bool is_staged_ = false;
  std::vector<mx::array> results_;
  // Of results_, made when they are asked for: that is no part of a run.
  mutable std::vector<mx::array> shown_;
  mutable std::vector<std::vector<int64_t>> output_shapes_;
  mutable std::vector<TensorView> outputs_;
};

}  // namespace qb::mlx
