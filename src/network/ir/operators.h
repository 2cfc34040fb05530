// The operators of the IR: one row each, with shape inference. A network-level operator enters only
// if a model needs it and it can't be composed from the others.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "network/ir/shape.h"

namespace qb::ir {

enum class Op : uint8_t {
  embedding,         // tokens i64 [batch, sequence], weight [vocabulary, width]
  linear,            // x [..., in], weight [out, in], optional bias [out]
  conv2d,            // x NCHW, weight [out, in / group_count, height, width], optional bias [out]
  batch_norm,        // x NCHW, then scale, bias, mean, variance [channels]
  rms_norm,          // x [..., width], weight [width]
  cached_attention,  // q, k, v [batch, sequence, heads * head_dim], key_cache, value_cache; causal
  add,               // numpy broadcasting
  multiply,          // numpy broadcasting
  silu,              // x * sigmoid(x)
  sigmoid,
  relu6,                // min(max(x, 0), 6)
  select_positions,     // x [batch, sequence, width], positions i64 [selected]
  global_average_pool,  // NCHW to [N, C, 1, 1]
  flatten,              // [batch, a, b, c] to [batch, a * b * c]
  attention,            // q [batch, a, heads * head_dim]; k, v [batch, b, kv heads * head_dim]
};

using Attribute = std::variant<int64_t, double, std::vector<int64_t>>;

// Named attributes in the order of the operator's row.
class Attributes {
 public:
  Attributes() = default;
  Attributes(std::initializer_list<std::pair<std::string, Attribute>> items) : items_(items) {}

  // The row guarantees presence once a graph is verified; absent gives 0 or empty.
  int64_t integer(std::string_view name) const;
  double real(std::string_view name) const;
  std::span<const int64_t> integers(std::string_view name) const;
  const Attribute* find(std::string_view name) const;
  void set(std::string name, Attribute value);
  std::span<const std::pair<std::string, Attribute>> items() const { return items_; }

 private:
  std::vector<std::pair<std::string, Attribute>> items_;
};

// Element kind an attribute must have.
enum class AttributeKind : uint8_t { integer, real, integers };

struct AttributeRow {
  std::string_view name;
  AttributeKind kind = AttributeKind::integer;
};

struct OperatorRow {
  Op op;
  std::string_view name;
  size_t input_count = 1;
  size_t optional_input_count = 0;  // trailing
  // Index of the input whose parameter a scheme may quantize; -1: none.
  int quantizable_input = -1;
  // The caches it reads and writes in place are its last inputs; 0: it has no state.
  size_t state_count = 0;
  std::span<const AttributeRow> attributes = {};
  // The output's shape, or an error in the words of the operator.
  Result<Shape> (*infer_shape)(std::span<const Shape> inputs, const Attributes& attributes);
};

std::span<const OperatorRow> operators();
const OperatorRow& row_of(Op op);
std::string_view name_of(Op op);
Result<Op> parse_op(std::string_view name);

}  // namespace qb::ir
