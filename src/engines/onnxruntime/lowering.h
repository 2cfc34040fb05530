// From the IR to an ONNX model held in memory, over the bundle's own bytes.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "bundle/bundle.h"
#include "engines/onnxruntime/runtime.h"
#include "worker/engine.h"

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

// What a lowering function works with.
class Lowering {
 public:
  Lowering(const bundle::Bundle& bundle, const worker::CompileOptions& options);

  const ir::Graph& ir() const { return bundle_.graph(); }
  const worker::CompileOptions& options() const { return options_; }
  const bundle::Parameter& parameter(ir::Value value) const { return bundle_.parameter(value); }
  // The ONNX name of a value; a parameter becomes an f32 initializer (a Cast of one when it is
  // stored in 16 bits) at its first use.
  std::string operand(ir::Value value);
  std::string fresh(std::string_view hint);

  void node(const NodeSpec& spec);
  // An initializer over memory that outlives the session: the bundle's, or keep()'s.
  std::string initializer(std::string_view hint, ONNXTensorElementDataType type,
                          const std::vector<int64_t>& shape, const void* data, size_t size_bytes);
  std::string integers(std::string_view hint, const std::vector<int64_t>& values);
  std::vector<std::byte>& keep(size_t size_bytes);

  // What was chosen for a kind of operator, for Session::actual().
  void note(std::string_view kind, std::string_view choice);
  // An add whose only norm consumer takes it over (see lower_rms_norm); empty otherwise.
  const ir::Node* fused_add(ir::Value norm_input) const;
  bool is_fused(const ir::Node& add) const;
  // The linears of an attention's q, k and v when one product can stand for the three: packed
  // weights of one layout, no bias, used by nothing else; empty otherwise.
  std::vector<const ir::Node*> joint_projections(const ir::Node& attention) const;
  bool is_joint(const ir::Node& linear) const {
    return joint_linears_.contains(linear.output.index);
  }

  Result<Ort::Model> build();
  Json notes() const { return notes_; }
  std::deque<std::vector<std::byte>> take_kept() { return std::move(kept_); }

 private:
  void find_fusions();
  void set_inputs_and_outputs();

  const bundle::Bundle& bundle_;
  worker::CompileOptions options_;
  Ort::Graph graph_;
  Ort::MemoryInfo memory_;
  std::map<int32_t, std::string> operands_;
  std::map<int32_t, const ir::Node*> fused_adds_;  // by output value
  std::set<int32_t> joint_linears_;                // by output value
  std::deque<std::vector<std::byte>> kept_;
  int64_t fresh_count_ = 0;
  Json notes_ = Json::object({});
};

using LowerFunction = Result<void> (*)(Lowering&, const ir::Node&);

// Empty: ONNX Runtime's engine doesn't lower this operator.
LowerFunction find_lowering(ir::Op op);

// One product for q, k and v, their weights' rows one after another: the same bits. Gives the
// output's name. In lower_linear.cpp.
std::string lower_joint_projection(Lowering& l, const std::vector<const ir::Node*>& linears);

// One function an operator; in lower_linear.cpp, lower_conv2d.cpp, lower_attention.cpp,
// lower_simple.cpp.
Result<void> lower_embedding(Lowering& l, const ir::Node& node);
Result<void> lower_linear(Lowering& l, const ir::Node& node);
Result<void> lower_conv2d(Lowering& l, const ir::Node& node);
Result<void> lower_batch_norm(Lowering& l, const ir::Node& node);
Result<void> lower_rms_norm(Lowering& l, const ir::Node& node);
Result<void> lower_cached_attention(Lowering& l, const ir::Node& node);
Result<void> lower_add(Lowering& l, const ir::Node& node);
Result<void> lower_multiply(Lowering& l, const ir::Node& node);
Result<void> lower_silu(Lowering& l, const ir::Node& node);
Result<void> lower_sigmoid(Lowering& l, const ir::Node& node);
Result<void> lower_relu6(Lowering& l, const ir::Node& node);
Result<void> lower_select_positions(Lowering& l, const ir::Node& node);
Result<void> lower_global_average_pool(Lowering& l, const ir::Node& node);
Result<void> lower_flatten(Lowering& l, const ir::Node& node);

}  // namespace qb::ort
