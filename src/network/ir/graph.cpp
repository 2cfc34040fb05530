#include "network/ir/graph.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace qb::ir {

std::string_view name_of(ValueKind kind) {
  switch (kind) {
    case ValueKind::input:
      return "input";
    case ValueKind::parameter:
      return "parameter";
    case ValueKind::state:
      return "state";
    case ValueKind::node:
      return "node";
  }
  return "node";
}

std::vector<Value> Graph::of_kind(ValueKind kind) const {
  std::vector<Value> found;
  for (size_t i = 0; i < values.size(); ++i)
    if (values[i].kind == kind) found.push_back({static_cast<int32_t>(i)});
  return found;
}

bool Graph::is_output(Value value) const {
  return std::ranges::find(outputs, value) != outputs.end();
}

Result<size_t> Graph::find_output(std::string_view wanted) const {
  for (size_t i = 0; i < output_names.size(); ++i)
    if (!wanted.empty() && output_names[i] == wanted) return i;
  return fail(Errc::bad_input, "{} has no output \"{}\"; its outputs are named \"{}\"", name,
              wanted, fmt::join(output_names, "\", \""));
}

const Node* Graph::producer_of(Value value) const {
  const auto found = std::ranges::find(nodes, value, &Node::output);
  return found == nodes.end() ? nullptr : &*found;
}

int64_t Graph::use_count(Value value) const {
  int64_t count = std::ranges::count(outputs, value);
  for (const Node& node : nodes) count += std::ranges::count(node.inputs, value);
  return count;
}

const Node* Graph::only_reader(Value value) const {
  if (is_output(value)) return nullptr;
  const Node* reader = nullptr;
  for (const Node& node : nodes) {
    if (std::ranges::find(node.inputs, value) == node.inputs.end()) continue;
    if (reader) return nullptr;
    reader = &node;
  }
  return reader;
}

}  // namespace qb::ir
