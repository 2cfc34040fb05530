// From the IR to a program of MLX calls, over copies of the bundle's own bits.
#pragma once

#include <algorithm>
#include <compare>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "compression/bundle/bundle.h"
#include "measurement/engines/mlx/program.h"
#include "measurement/engines/mlx/weight.h"
#include "measurement/lowering/notes.h"
#include "measurement/lowering/table.h"
#include "measurement/lowering/transformations.h"
#include "measurement/worker/engine.h"

namespace qb::mlx {

// What activations are computed in. On a CPU f32, since MLX's 16-bit kernels are slow there. On a
// gpu the 16 bits that weights are stored in; quantized weights take bf16, as mlx-lm's do.
mx::Dtype activation_type(const quant::Scheme& scheme, std::string_view device);
std::string_view name_of(mx::Dtype type);  // "f32", "f16", "bf16"

// What tokens see of those before them and of themselves.
struct Sight {
  int window_tokens = 0;    // 0: all
  bool needs_mask = false;  // where the kernel's own causal mask would do too

  // The first that any of the step's tokens sees.
  int first(int past) const {
    return window_tokens > 0 ? std::max(past + 1 - window_tokens, 0) : 0;
  }
  // Whether they see what no kernel knows by itself.
  bool is_masked(int past, int count) const {
    const bool is_cut = window_tokens > 0 && past + count > window_tokens;
    return count > 1 && (needs_mask || is_cut);
  }
  auto operator<=>(const Sight&) const = default;
};

// What a lowering function works with. Pictures are NCHW in the IR and NHWC here, as MLX's
// convolutions take them: every value of four dimensions is stored so.
class Lowering {
 public:
  // Quantized products are spread over the streams.
  Lowering(const bundle::Bundle& bundle, const worker::CompileOptions& options,
           std::vector<mx::Stream> streams);

  const ir::Graph& ir() const { return bundle_.graph(); }
  const worker::CompileOptions& options() const { return options_; }
  const bundle::Bundle& bundle() const { return bundle_; }
  const bundle::Parameter& parameter(ir::Value value) const { return bundle_.parameter(value); }
  const lowering::Transformations& transformations() const { return transformations_; }
  mx::Dtype compute_type() const { return compute_type_; }
  std::span<const mx::Stream> streams() const { return streams_; }
  // A parameter that isn't quantized, as stored; one that is no weight matrix in compute_type().
  mx::array stored_array(ir::Value value);
  // Values of our own as a constant in compute_type().
  mx::array constant(std::span<const float> values, const mx::Shape& shape) const;
  Result<const QuantizedWeight*> quantized(ir::Value value);
  bool is_quantized(ir::Value value) const;

  // The slot of a value that a node computes or the step brings, or of a parameter.
  Slot slot(ir::Value value);
  // Where in Frame::states a cache lies.
  size_t state_index(ir::Value value) const;
  // Whether mx::compile fuses what it can. Not on a CPU: there it compiles C++ at run time, to
  // kernels that are slower than MLX's own (docs/decisions/0018).
  bool fuses() const { return options_.device == "gpu"; }
  // Without caches: a step depends on its inputs alone.
  bool is_static() const { return ir().of_kind(ir::ValueKind::state).empty(); }
  bool is_picture(ir::Value value) const { return ir()[value].shape.size() == 4; }

  // The slot that holds, after the call that this adds the first time, which of the tokens from
  // sight.first() on the step's tokens see, if sight.is_masked(): bool [tokens, those]. The step's
  // tokens are counted in slot x [batch, tokens, ...]. Once a step, whatever the layers.
  Slot causal_mask(Slot x, const Sight& sight);

  void add_call(Call call) { program_.add(std::move(call)); }
  // output = f(input)
  void add_unary(const ir::Node& node, std::function<mx::array(const mx::array&)> f);
  void add_unary(ir::Value input, ir::Value output, std::function<mx::array(const mx::array&)> f);
  // output = f(first input, second input)
  void add_binary(const ir::Node& node,
                  std::function<mx::array(const mx::array&, const mx::array&)> f);

  // What was chosen for a kind of operator, and how often a kernel stands in the program, for
  // Session::actual().
  void note(std::string_view kind, std::string_view choice) {
    lowering::add_note(notes_, kind, choice);
  }
  void count(std::string_view kernel) { ++kernels_[std::string(kernel)]; }

  // Runs the lowerings, once. Errors: unsupported, for an operator or a weight.
  Result<Program> build();
  size_t slot_count() const { return slot_count_; }
  // Arrays that stand in their slots before the first call: the parameters that steps read.
  const std::map<Slot, mx::array>& constants() const { return constants_; }
  std::vector<Slot> slots_of(const std::vector<ir::Value>& values);
  const Json& notes() const { return notes_; }
  const std::map<std::string, int64_t>& kernels() const { return kernels_; }

 private:
  const bundle::Bundle& bundle_;
  worker::CompileOptions options_;
  lowering::Transformations transformations_;
  std::vector<mx::Stream> streams_;
  mx::Dtype compute_type_;
  Program program_;
  size_t slot_count_ = 0;
  std::map<int32_t, Slot> slots_;
  std::map<Sight, Slot> causal_masks_;
  std::map<Slot, mx::array> constants_;
  std::map<int32_t, QuantizedWeight> quantized_;
  std::map<int32_t, mx::array> stored_;
  Json notes_ = Json::object({});
  std::map<std::string, int64_t> kernels_;
};

using LoweringRow = lowering::Row<Lowering>;
const lowering::Table<Lowering>& lowerings();

// One function an operator, and its row, in lower_linear.cpp, lower_conv2d.cpp, …
std::span<const LoweringRow> linear_lowerings();
std::span<const LoweringRow> conv2d_lowerings();
std::span<const LoweringRow> attention_lowerings();
std::span<const LoweringRow> norm_lowerings();
std::span<const LoweringRow> row_lowerings();
std::span<const LoweringRow> activation_lowerings();
std::span<const LoweringRow> simple_lowerings();

}  // namespace qb::mlx
