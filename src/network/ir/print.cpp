// The text form of a graph.
#include "network/ir/graph.h"

namespace qb::ir {
namespace {

std::string to_string(int64_t integer) { return fmt::format("{}", integer); }
std::string to_string(double real) { return fmt::format("{:g}", real); }

template <typename Number>
std::string to_string(const std::vector<Number>& items) {
  std::string text = "[";
  for (const Number item : items)
    text += fmt::format("{}{}", text.size() > 1 ? ", " : "", to_string(item));
  return text + "]";
}

std::string to_string(const Attribute& attribute) {
  return std::visit([](const auto& value) { return to_string(value); }, attribute);
}

}  // namespace

std::string print(const Graph& graph) {
  std::string text = fmt::format("graph {}\n", graph.name);
  for (const ValueInfo& value : graph.values)
    if (value.kind != ValueKind::node)
      text += fmt::format("  {} {} {}{}\n", name_of(value.kind), value.name, name_of(value.type),
                          to_string(value.shape));
  for (const Node& node : graph.nodes) {
    std::string arguments;
    for (const Value input : node.inputs)
      arguments += fmt::format("{}{}", arguments.empty() ? "" : ", ", graph[input].name);
    for (const auto& [name, value] : node.attributes.items())
      arguments += fmt::format("; {}={}", name, to_string(value));
    text += fmt::format("  {} = {}({}) {}\n", graph[node.output].name, name_of(node.op), arguments,
                        to_string(graph[node.output].shape));
  }
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    const std::string name = graph.output_names.empty() ? "" : graph.output_names[i];
    text += fmt::format("  output {}{}\n", graph[graph.outputs[i]].name,
                        name.empty() ? "" : " as " + name);
  }
  return text;
}

}  // namespace qb::ir
