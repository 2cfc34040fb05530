// What a network's layers see on a calibration set, run by the reference interpreter.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "compression/bundle/bundle.h"
#include "compression/bundle/tensor_file.h"
#include "compression/quant/activation.h"
#include "compression/reference/interpreter.h"

namespace qb::compress {

// Inputs in a tensor file: "tokens" i64 [windows, tokens] or "images" f32 [n, channels, height,
// width].
struct CalibrationSet {
  std::string name;
  std::string content_hash;
  std::filesystem::path file;
  int64_t item_count = 0;  // tokens or pictures
};

// The inputs x of a weight's rows: of a linear its input vectors, of a conv2d the patches under its
// kernel, for each group of channels apart.
struct InputStatistics {
  int64_t column_count = 0;
  int64_t group_count = 1;
  int64_t vector_count = 0;     // of each group
  std::vector<float> hessian;   // [group, column, column]: mean of x xᵀ
  std::vector<float> mean;      // [group, column]
  std::vector<float> mean_abs;  // [group, column]
  std::vector<float> max_abs;   // [group, column]

  std::span<const float> hessian_of(int64_t group) const;
};

using Tell = std::function<void(std::string_view what, double share_done)>;

class Calibrator {
 public:
  // `fp32_bundle` is the network in fp32.
  static Result<Calibrator> open(const std::filesystem::path& fp32_bundle,
                                 const CalibrationSet& set, int64_t thread_count, Tell tell);

  const ir::Graph& graph() const { return bundle_->graph(); }
  const bundle::Bundle& bundle() const { return *bundle_; }

  // Null when no linear or conv2d uses the parameter. Statistics are gathered for as many
  // parameters at once as fit 512 MiB, in graph order: asked for in that order, each pass over the
  // set serves many. Valid until the next call.
  Result<const InputStatistics*> inputs_of(ir::Value parameter);

  // The fit of each value, from one pass over the set or two, as the method needs.
  Result<std::map<int32_t, quant::ActivationFit>> fit_activations(std::span<const ir::Value> values,
                                                                  quant::Calibration calibration);

  // One batch of the set: a window of at most `token_limit` tokens, or one picture.
  int64_t batch_count() const;
  Result<void> run_batch(reference::Interpreter& interpreter, int64_t index,
                         int64_t token_limit) const;
  ir::Extents extents_of_picture() const;
  reference::Interpreter make_interpreter(int64_t token_limit) const;

 private:
  Result<void> gather(ir::Value first);
  Result<void> run_all(const reference::Interpreter::Observer& observer, std::string_view what);

  std::unique_ptr<bundle::Bundle> bundle_;
  std::unique_ptr<bundle::TensorFile> data_;
  int64_t thread_count_ = 1;
  Tell tell_;
  std::map<int32_t, std::shared_ptr<InputStatistics>> gathered_;  // by parameter
};

}  // namespace qb::compress
