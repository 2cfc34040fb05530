// From the IR to a program of ATen calls, over the bundle's own bytes.
#pragma once

#include <algorithm>
#include <compare>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "compression/bundle/bundle.h"
#include "measurement/engines/pytorch/kernels.h"
#include "measurement/engines/pytorch/program.h"
#include "measurement/lowering/notes.h"
#include "measurement/lowering/rounded_reads.h"
#include "measurement/lowering/table.h"
#include "measurement/lowering/transformations.h"
#include "measurement/worker/engine.h"

namespace qb::pytorch {

// An activation in 8 bits: u8 codes in a slot; code = round(x / scale) + zero_point.
struct Codes {
  Slot slot = 0;
  quant::ActivationFit fit;
};

// Columns of what a slot holds: a value that one product gives together with others.
struct Columns {
  Slot slot = 0;
  int64_t first = 0, count = 0;
};

// What tokens see of those before them and of themselves.
struct Sight {
  int64_t window_tokens = 0;  // 0: all
  bool needs_mask = false;    // where the kernel's own causal mask would do too

  // The first that any of the step's tokens sees.
  int64_t first(int64_t past_tokens) const {
    return window_tokens > 0 ? std::max<int64_t>(past_tokens + 1 - window_tokens, 0) : 0;
  }
  auto operator<=>(const Sight&) const = default;
};

// What a lowering function works with. A value that the bundle rounds to 8 bits ("measured") exists
// as codes, made by an integer kernel or by rounding, and, for those that read f32, as what the
// codes stand for.
class Lowering {
 public:
  Lowering(const bundle::Bundle& bundle, const worker::CompileOptions& options, at::Device device,
           const Kernels& has)
      : bundle_(bundle),
        options_(options),
        device_(device),
        has_(has),
        transformations_(lowering::find_transformations(bundle)) {}

  const ir::Graph& ir() const { return bundle_.graph(); }
  const worker::CompileOptions& options() const { return options_; }
  const at::Device& device() const { return device_; }
  const Kernels& has() const { return has_; }
  const bundle::Bundle& bundle() const { return bundle_; }
  const lowering::Transformations& transformations() const { return transformations_; }
  const bundle::Parameter& parameter(ir::Value value) const { return bundle_.parameter(value); }
  // A parameter that isn't packed, as stored: over the bundle's mapped file, to be copied or packed
  // before the first run.
  at::Tensor mapped_tensor(const bundle::Parameter& parameter) const;
  // The same on the device, copied once however many operators use it.
  at::Tensor stored_tensor(const bundle::Parameter& parameter);
  // The same in f32.
  at::Tensor f32_tensor(ir::Value value);
  // A copy on the device.
  at::Tensor tensor_of(const void* data, at::IntArrayRef shape, at::ScalarType type) const;

  // A tensor that several operators use, made at the first call with that name.
  at::Tensor shared(const std::string& name, const std::function<at::Tensor()>& make);

  // The slot of a value's f32 form, to be read by a step that is added next.
  Slot operand(ir::Value value);
  // The slot where a node's f32 result is to be put.
  Slot result(ir::Value value);
  // The value is these columns; they are cut out where an operator asks for the value's own slot.
  void set_columns(ir::Value value, const Columns& columns) { columns_[value.index] = columns; }
  // The columns to read; of a value that has a slot of its own, the whole of it.
  Columns columns_of(ir::Value value);
  // The slot that holds, after the first step that this adds, what is added to the scores of
  // several tokens where the kernel's own causal mask doesn't serve: 0, or -infinity for what a
  // token doesn't see; f32 [tokens, tokens from sight.first() on]. The run's tokens are counted in
  // slot x [batch, tokens, ...]. Once a run, whatever the layers.
  Slot causal_mask(Slot x, const Sight& sight);
  // How readers see the value: of a flattened one, as what was flattened.
  bundle::Activation rounding(ir::Value value) const {
    return lowering::rounding_of(bundle_, value);
  }
  bool is_measured(ir::Value value) const {
    return rounding(value).mode == quant::Activations::measured;
  }
  // Codes of a measured value, to be read, and a slot for codes that an integer kernel writes.
  Codes measured_codes(ir::Value value);
  Codes claim_codes(ir::Value value);
  bool has_codes(ir::Value value) const { return codes_.contains(value.index); }
  // The node that alone reads the value; null: none or several, or it is an output.
  const ir::Node* only_reader(ir::Value value) const { return ir().only_reader(value); }
  // The value, or what the relu or relu6 gives that saturation to its codes does already.
  ir::Value rectified(ir::Value value) const {
    const ir::Node* rectifier = lowering::absorbed_rectifier(bundle_, value);
    return rectifier ? rectifier->output : value;
  }

  // Unary: output = f(input).
  void add_step(ir::Value output, ir::Value input, std::function<at::Tensor(const at::Tensor&)> f);
  void add_step(std::vector<Slot> reads, Call call) {
    program_.add(std::move(reads), std::move(call));
  }
  Slot new_slot() { return program_.new_slot(); }
  // Marks a node as computed by another's lowering.
  void mark_done(const ir::Node& node) { done_.insert(node.output.index); }
  bool is_done(const ir::Node& node) const { return done_.contains(node.output.index); }

  // What was chosen for a kind of operator, for Session::actual().
  void note(std::string_view kind, std::string_view choice) {
    lowering::add_note(notes_, kind, choice);
  }
  void count(std::string_view kernel) { ++kernels_[std::string(kernel)]; }

  Result<Program> build();
  // After build(): the slots of the graph's inputs and outputs, in their order.
  std::vector<Slot> input_slots() const { return inputs_; }
  std::vector<Slot> output_slots() const { return outputs_; }
  const std::map<int32_t, at::Tensor>& states() const { return states_; }
  at::Tensor state(ir::Value value);
  const Json& notes() const { return notes_; }
  const std::map<std::string, int64_t>& kernels() const { return kernels_; }

 private:
  Slot own_slot(ir::Value value);  // result(), its columns cut out

  const bundle::Bundle& bundle_;
  worker::CompileOptions options_;
  at::Device device_;
  Kernels has_;
  lowering::Transformations transformations_;
  Program program_;
  std::map<int32_t, Slot> slots_;       // f32 forms
  std::map<int32_t, Columns> columns_;  // of values that came together with others
  std::set<int32_t> cut_;               // of these, those that have a slot of their own by now
  std::map<Sight, Slot> causal_masks_;
  std::map<std::string, at::Tensor> stored_;  // by a parameter's name
  std::map<int32_t, Codes> codes_;            // of measured values
  std::set<int32_t> dequantized_;  // measured values whose f32 form was made from the codes
  std::map<int32_t, at::Tensor> states_;
  std::map<std::string, at::Tensor> shared_;
  std::set<int32_t> done_;
  std::vector<Slot> inputs_, outputs_;
  Json notes_ = Json::object({});
  std::map<std::string, int64_t> kernels_;
};

using LoweringRow = lowering::Row<Lowering>;
const lowering::Table<Lowering>& lowerings();

// 8-bit codes of values, u8; in codes.cpp.
at::Tensor to_codes(const at::Tensor& x, const quant::ActivationFit& fit);
at::Tensor from_codes(const at::Tensor& codes, const quant::ActivationFit& fit);
// The same bytes as PyTorch's quantized type, and back.
at::Tensor quantized_of(const at::Tensor& codes, const quant::ActivationFit& fit);
at::Tensor bytes_of(const at::Tensor& quantized);
// Integer kernels for a packed weight whose input is rounded. Errors: unsupported, when this build
// of PyTorch lacks them or the weight is of another kind.
Result<void> lower_integer_conv2d(Lowering& l, const ir::Node& node);
Result<void> lower_integer_add(Lowering& l, const ir::Node& node);

// One function an operator, and its row, in lower_linear.cpp, lower_conv2d.cpp, …
std::span<const LoweringRow> linear_lowerings();
std::span<const LoweringRow> conv2d_lowerings();
std::span<const LoweringRow> attention_lowerings();
std::span<const LoweringRow> norm_lowerings();
std::span<const LoweringRow> row_lowerings();
std::span<const LoweringRow> simple_lowerings();

}  // namespace qb::pytorch
