#include "network/ir/canonical.h"

namespace qb::ir {
namespace {

class Traversal {
 public:
  explicit Traversal(const Graph& from) : from_(from), moved_(from.values.size()) {
    for (const Node& node : from.nodes) producers_[static_cast<size_t>(node.output.index)] = &node;
  }

  Graph run() && {
    to_.name = from_.name;
    for (const Value input : from_.of_kind(ValueKind::input)) visit(input);
    for (const Value output : from_.outputs) to_.outputs.push_back(visit(output));
    to_.output_names = from_.output_names;
    return std::move(to_);
  }

 private:
  // Where the value now is, brought over after what it is computed from. One that doesn't exist
  // stays so: verify() tells of it.
  Value visit(Value value) {
    if (value.index < 0) return value;
    const auto index = static_cast<size_t>(value.index);
    if (moved_[index].index >= 0) return moved_[index];
    ValueInfo info = from_.values[index];
    if (const Node* node = producers_[index]) {
      Node copy = {.op = node->op, .attributes = node->attributes};
      for (const Value input : node->inputs) copy.inputs.push_back(visit(input));
      info.name = fmt::format("{}_{}", name_of(node->op), to_.nodes.size());
      copy.output = next_value();
      to_.nodes.push_back(std::move(copy));
    }
    moved_[index] = next_value();
    to_.values.push_back(std::move(info));
    return moved_[index];
  }
  Value next_value() const { return {static_cast<int32_t>(to_.values.size())}; }

  const Graph& from_;
  std::vector<const Node*> producers_ = std::vector<const Node*>(from_.values.size());
  std::vector<Value> moved_;
  Graph to_;
};

}  // namespace

Graph in_canonical_order(const Graph& graph) { return Traversal(graph).run(); }

}  // namespace qb::ir
