// A network: values, and nodes in the order they are computed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/tensor.h"
#include "network/ir/operators.h"
#include "network/ir/shape.h"

namespace qb::ir {

using qb::ElementType;
enum class ValueKind : uint8_t {
  input,      // given at each step
  parameter,  // a weight; how it is stored is the bundle's business
  state,      // kept between steps and updated in place, such as a KV cache
  node,       // what a node computes
};

std::string_view name_of(ValueKind kind);

// An index into Graph::values.
struct Value {
  int32_t index = -1;
  friend bool operator==(const Value&, const Value&) = default;
};

struct ValueInfo {
  std::string name;  // unique in the graph
  ValueKind kind = ValueKind::node;
  ElementType type = ElementType::f32;
  Shape shape;
};

struct Node {
  Op op = Op::add;
  std::vector<Value> inputs;
  Value output;
  Attributes attributes;
};

struct Graph {
  std::string name;
  std::vector<ValueInfo> values;
  std::vector<Node> nodes;
  std::vector<Value> outputs;
  // Of the outputs, in their order; "" of those without one, which are known by their place alone.
  // Empty: none has one.
  std::vector<std::string> output_names = {};

  const ValueInfo& operator[](Value value) const {
    return values[static_cast<size_t>(value.index)];
  }
  // Values of that kind, in the order they were declared.
  std::vector<Value> of_kind(ValueKind kind) const;
  bool is_output(Value value) const;
  // The place among the outputs of the one with that name. Errors: bad_input, lists those there
  // are.
  Result<size_t> find_output(std::string_view name) const;
  // The node that computes the value; null: none does.
  const Node* producer_of(Value value) const;
  // How often the value is read, by nodes and as an output.
  int64_t use_count(Value value) const;
  // The node that alone reads the value; null: none or several do, or it is an output.
  const Node* only_reader(Value value) const;
};

// Ok when every name is unique, every node's inputs come before it, attributes are those of its
// row, shapes are what the rows infer, each state is updated once, and no two outputs share a name.
Result<void> verify(const Graph& graph);

// One line a value or node, for people and golden tests.
std::string print(const Graph& graph);

// Exact round trip; graph_from_json verifies.
Json to_json(const Graph& graph);
Result<Graph> graph_from_json(const Json& json);

}  // namespace qb::ir
