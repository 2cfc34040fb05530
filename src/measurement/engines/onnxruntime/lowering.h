// From the IR to an ONNX model held in memory, over the bundle's own bytes.
#pragma once

#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "compression/bundle/bundle.h"
#include "measurement/engines/onnxruntime/runtime.h"
#include "measurement/lowering/rounded_reads.h"
#include "measurement/lowering/table.h"
#include "measurement/lowering/transformations.h"
#include "measurement/worker/engine.h"
#include "network/ir/attention.h"

namespace qb::ort {

using NodeAttribute = std::variant<int64_t, float, std::string, std::vector<int64_t>>;
using NodeAttributes = std::vector<std::pair<std::string, NodeAttribute>>;

struct NodeSpec {
  std::string op;
  std::string domain;  // "" or "com.microsoft"
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  NodeAttributes attributes = {};
};

// Names of the inputs that the session feeds besides the graph's own.
inline constexpr const char* last_index_input = "seqlens_k";  // int32 [batch]: total tokens - 1
inline constexpr const char* total_tokens_input = "total_sequence_length";  // int32 [1]
std::string past_name(std::string_view state);
std::string present_name(std::string_view state);

// An activation in 8 bits: names of its u8 codes, f32 scale (of all, or [..., 1] by token) and u8
// zero point.
struct Codes {
  std::string codes, scale, zero_point;
};

// What a lowering function works with. A value that the bundle rounds to 8 bits ("measured") exists
// as codes, made by an integer kernel or by QuantizeLinear, and, for those that read f32, as what
// the codes stand for.
class Lowering {
 public:
  Lowering(const bundle::Bundle& bundle, const worker::CompileOptions& options);

  const ir::Graph& ir() const { return bundle_.graph(); }
  const worker::CompileOptions& options() const { return options_; }
  const bundle::Bundle& bundle() const { return bundle_; }
  const lowering::Transformations& transformations() const { return transformations_; }
  const bundle::Parameter& parameter(ir::Value value) const { return bundle_.parameter(value); }
  // Values stored in floating point, over memory that outlives the session, as an f32 operand.
  std::string float_operand(bundle::Encoding encoding, std::string_view hint,
                            const std::vector<int64_t>& shape, std::span<const std::byte> bytes);
  // The ONNX name of a value to read; a parameter becomes an f32 initializer (a Cast of one when it
  // is stored in 16 bits) at its first use.
  std::string operand(ir::Value value);
  // The name under which a node's f32 result is written.
  std::string output(ir::Value value) const { return ir()[value].name; }

  // How readers see the value: of a flattened one, as what was flattened.
  bundle::Activation rounding(ir::Value value) const {
    return lowering::rounding_of(bundle_, value);
  }
  // Codes of a measured value, and those of an input that is rounded at each run.
  Codes measured_codes(ir::Value value);
  Codes run_codes(ir::Value value);
  // Names for codes that an integer kernel writes.
  Codes claim_codes(ir::Value value);
  bool has_codes(ir::Value value) const { return codes_.contains(value.index); }
  // The value, or what the relu or relu6 gives that saturation to its codes does already.
  ir::Value rectified(ir::Value value) const {
    const ir::Node* rectifier = lowering::absorbed_rectifier(bundle_, value);
    return rectifier ? rectifier->output : value;
  }
  std::string fresh(std::string_view hint);

  void node(const NodeSpec& spec);
  // An initializer over the bundle's memory, which outlives the session, or over all of what keep()
  // gave, once: that then belongs to ONNX Runtime, which frees what its kernels have packed.
  std::string initializer(std::string_view hint, ONNXTensorElementDataType type,
                          const std::vector<int64_t>& shape, const void* data, size_t size_bytes);
  std::string integers(std::string_view hint, const std::vector<int64_t>& values);
  // The same over a copy of the values.
  template <typename T>
  std::string constant(std::string_view hint, ONNXTensorElementDataType type,
                       const std::vector<int64_t>& shape, std::span<const T> values) {
    const std::span<std::byte> kept = keep(values.size_bytes());
    std::memcpy(kept.data(), values.data(), values.size_bytes());
    return initializer(hint, type, shape, kept.data(), kept.size());
  }
  // Memory for an initializer, zeros; what none takes is freed with the lowering.
  std::span<std::byte> keep(size_t size_bytes);

  // What was chosen for a kind of operator, for Session::actual().
  void note(std::string_view kind, std::string_view choice);
  // An add whose only norm consumer takes it over (see lower_rms_norm); empty otherwise.
  const ir::Node* fused_add(ir::Value norm_input) const;
  bool is_fused(const ir::Node& add) const;
  // Whether the norm's weight is as wide as what it reads, and not as a part of it.
  bool is_of_whole_rows(const ir::Node& norm) const;
  // Whether a join is an attention's q, k and v, which nothing else reads: its operator takes them
  // as they come from one product, if it turns them itself.
  bool is_projection(const lowering::Join& join) const;
  // The name of a join's product, by its first linear.
  std::string joint_name(const ir::Node& linear) const { return output(linear.output) + ".joint"; }

  Result<Ort::Model> build();
  Json notes() const { return notes_; }

 private:
  void find_fusions();
  void set_inputs_and_outputs();

  const bundle::Bundle& bundle_;
  worker::CompileOptions options_;
  Ort::Graph graph_;
  Ort::MemoryInfo memory_;
  lowering::Transformations transformations_;
  std::map<int32_t, std::string> operands_;
  std::map<int32_t, Codes> codes_;                 // of measured values
  std::map<int32_t, Codes> run_codes_;             // of values rounded at each run
  std::map<int32_t, const ir::Node*> fused_adds_;  // by output value
  struct Free {
    void operator()(void* data) const { Ort::AllocatorWithDefaultOptions().Free(data); }
  };
  std::map<const void*, std::unique_ptr<void, Free>> kept_;
  int64_t fresh_count_ = 0;
  Json notes_ = Json::object({});
};

// Whether GroupQueryAttention does the rotary embedding: its kernel turns multiples of 16 values.
inline bool turns_itself(const ir::RotaryOptions& rotary) { return rotary.dims % 16 == 0; }

using LoweringRow = lowering::Row<Lowering>;
const lowering::Table<Lowering>& lowerings();

// Of ONNX's convolutions.
NodeAttributes convolution_attributes(const ir::Node& node, std::span<const int64_t> weight_shape);

// Integer kernels, for packed weights whose input is rounded; in lower_integer.cpp. Several weights
// stand for one: their rows one after another. `bias` may be empty. Errors: weights that the
// kernels don't take.
Result<void> lower_integer_product(Lowering& l, ir::Value x,
                                   const std::vector<const bundle::Parameter*>& weights,
                                   const std::string& bias, const std::string& output);
// The same, its input with a scale for each token; and nodes that round x so. In lower_tokens.cpp.
void lower_token_product(Lowering& l, ir::Value x, const std::string& weight,
                         const std::string& weight_scales, const std::string& bias,
                         const std::string& output);
Codes add_token_codes(Lowering& l, const std::string& x);
Result<void> lower_integer_conv2d(Lowering& l, const ir::Node& node);
Result<void> lower_integer_add(Lowering& l, const ir::Node& node);
Result<void> lower_integer_average_pool(Lowering& l, const ir::Node& node);

// One function an operator, and its row, in lower_linear.cpp, lower_conv2d.cpp, …
std::span<const LoweringRow> linear_lowerings();
std::span<const LoweringRow> conv2d_lowerings();
std::span<const LoweringRow> attention_lowerings();
std::span<const LoweringRow> norm_lowerings();
std::span<const LoweringRow> row_lowerings();
std::span<const LoweringRow> simple_lowerings();

}  // namespace qb::ort
