// From the IR to a function of an ML Program, for one set of extents.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "compression/bundle/bundle.h"
#include "measurement/engines/coreml/program.h"
#include "measurement/lowering/table.h"
#include "measurement/lowering/transformations.h"
#include "network/ir/attention.h"

namespace qb::coreml {

// The input that tells how many tokens the caches hold: i32 [1].
inline constexpr const char* past_input = "past_tokens";

class Lowering {
 public:
  // All must outlive it. Every symbol of the graph has its extent.
  Lowering(const bundle::Bundle& bundle, const Target& target, const ir::Extents& extents,
           Function& function, BlobFile& blobs);

  const ir::Graph& ir() const { return bundle_.graph(); }
  const bundle::Bundle& bundle() const { return bundle_; }
  const Target& target() const { return target_; }
  const lowering::Transformations& transformations() const { return transformations_; }
  const bundle::Parameter& parameter(ir::Value value) const { return bundle_.parameter(value); }
  Type compute() const { return target_.compute; }
  int64_t extent(ir::Symbol symbol) const { return extents_.of(symbol); }
  Shape shape(ir::Value value) const { return ir::bind(ir()[value].shape, extents_); }

  // The value to read. Of a parameter its values, compressed where the bundle has codes of them.
  // Errors: unsupported, codes that the target doesn't take.
  Result<Value> operand(ir::Value value);
  // What a node gives; rounded where the bundle rounds it.
  void set(ir::Value value, Value result);
  const Value& state(ir::Value value) const { return values_.at(value.index); }

  // A constant that lies in weight.bin when it is no small one; `key` names its bytes.
  Constant stored(const std::string& key, Type type, const Shape& shape,
                  const std::function<void(const Sink&)>& write);
  Value reals(std::string_view hint, const Shape& shape, std::span<const float> values);
  Constant number(double value) const { return real(compute(), value); }

  // Operators of Core ML, in the type that is computed in unless another is named.
  Value apply(std::string_view op, const Operands& operands, const Shape& shape) {
    return function_.apply(op, operands, compute(), shape);
  }
  Value apply(std::string_view op, const Operands& operands, Type type, const Shape& shape) {
    return function_.apply(op, operands, type, shape);
  }
  Value unary(std::string_view op, const Value& x) { return apply(op, {{"x", x}}, x.shape); }
  Value binary(std::string_view op, const Value& x, const Value& y);
  Value binary(std::string_view op, const Value& x, double y);
  // 1 / sqrt(x).
  Value inverse_root(const Value& x);
  Value reshape(const Value& x, const Shape& shape);
  Value transpose(const Value& x, std::vector<int64_t> permutation);
  Value reduce(std::string_view op, const Value& x, std::vector<int64_t> axes, bool keeps_dims);
  Value gather(const Value& x, const Value& indices, int64_t axis, int64_t batch_dims,
               const Shape& shape);
  Value cast(const Value& x, Type type);
  Value slice(const Value& x, std::vector<int64_t> begin, std::vector<int64_t> end);
  Value compare(std::string_view op, const Value& x, const Operand& y, const Shape& shape);

  // i32 [sequence]: the absolute positions of the step's tokens; and the first of them, [1].
  const Value& positions();
  const Value& past() const { return past_; }
  // What several nodes share, by a name for it.
  std::map<std::string, Value>& shared() { return shared_; }
  Function& function() { return function_; }

  // What was chosen for a kind of operator.
  void note(std::string_view kind, std::string_view choice);
  const Json& notes() const { return notes_; }

  Result<void> build();

 private:
  void add_inputs();
  Value rounded(const quant::ActivationFit& fit, const Value& x);

  const bundle::Bundle& bundle_;
  const Target& target_;
  const ir::Extents& extents_;
  Function& function_;
  BlobFile& blobs_;
  lowering::Transformations transformations_;
  std::map<int32_t, Value> values_;  // by the IR's value
  std::map<std::string, Value> shared_;
  Value past_, positions_;
  Json notes_ = Json::object({});
};

// What the package calls an output: its own name, or one by its place.
std::string output_name(const ir::Graph& graph, size_t index);

// A weight as constexpr_ operations, or as a constant when it is stored in floating point. In
// weight.cpp.
Result<Value> lower_weight(Lowering& l, const bundle::Parameter& parameter);

using LoweringRow = lowering::Row<Lowering>;
const lowering::Table<Lowering>& lowerings();

// One function an operator, and its row, in lower_linear.cpp, …
std::span<const LoweringRow> linear_lowerings();
std::span<const LoweringRow> conv2d_lowerings();
std::span<const LoweringRow> attention_lowerings();
std::span<const LoweringRow> norm_lowerings();
std::span<const LoweringRow> row_lowerings();
std::span<const LoweringRow> simple_lowerings();

}  // namespace qb::coreml
