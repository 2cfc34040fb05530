// Checks a graph, whether a builder made it or a file brought it.
#include <set>

#include "network/ir/graph.h"

namespace qb::ir {
namespace {

bool is_of_kind(const Attribute& attribute, AttributeKind kind) {
  switch (kind) {
    case AttributeKind::integer:
      return std::holds_alternative<int64_t>(attribute);
    case AttributeKind::real:
      return std::holds_alternative<double>(attribute);
    case AttributeKind::integers:
      return std::holds_alternative<std::vector<int64_t>>(attribute);
    case AttributeKind::reals:
      return std::holds_alternative<std::vector<double>>(attribute);
  }
  return false;
}

Result<void> verify_attributes(const Node& node, const OperatorRow& row) {
  size_t known_count = 0;
  for (const AttributeRow& wanted : row.attributes) {
    const Attribute* attribute = node.attributes.find(wanted.name);
    if (!attribute && wanted.is_optional) continue;
    ++known_count;
    if (!attribute || !is_of_kind(*attribute, wanted.kind))
      return fail(Errc::invalid_graph, "attribute {} is missing or of the wrong kind", wanted.name);
  }
  if (node.attributes.items().size() != known_count)
    return fail(Errc::invalid_graph, "has attributes that {} doesn't take", row.name);
  return {};
}

Result<void> verify_values(const Graph& graph) {
  std::set<std::string_view> names;
  for (const ValueInfo& value : graph.values) {
    if (value.name.empty() || !names.insert(value.name).second)
      return fail(Errc::invalid_graph, "value \"{}\" has no name of its own", value.name);
    for (const Dim& dim : value.shape)
      if (dim.is_fixed() ? dim.extent < 1 : value.kind == ValueKind::parameter)
        return fail(Errc::invalid_graph, "value \"{}\" has shape {}", value.name,
                    to_string(value.shape));
  }
  return {};
}

// Which of two updates comes first would be chance: their values don't depend on each other.
Result<void> verify_states(const Graph& graph) {
  std::set<int32_t> updated;
  for (const Node& node : graph.nodes)
    for (const Value input : node.inputs)
      if (graph[input].kind == ValueKind::state && !updated.insert(input.index).second)
        return fail(Errc::invalid_graph, "state \"{}\" is updated more than once",
                    graph[input].name);
  return {};
}

Result<void> verify_output_names(const Graph& graph) {
  if (!graph.output_names.empty() && graph.output_names.size() != graph.outputs.size())
    return fail(Errc::invalid_graph, "{} outputs have {} names", graph.outputs.size(),
                graph.output_names.size());
  std::set<std::string_view> names;
  for (const std::string& name : graph.output_names)
    if (!name.empty() && !names.insert(name).second)
      return fail(Errc::invalid_graph, "two outputs are named \"{}\"", name);
  return {};
}

Result<void> verify_node(const Graph& graph, const Node& node, const std::vector<bool>& known) {
  const OperatorRow& row = row_of(node.op);
  QB_CHECK(verify_input_count(row, node.inputs.size()));
  std::vector<Shape> shapes;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const int32_t index = node.inputs[i].index;
    if (index < 0 || static_cast<size_t>(index) >= known.size() ||
        !known[static_cast<size_t>(index)])
      return fail(Errc::invalid_graph, "input {} is not computed before it", i);
    const bool wants_state = i + row.state_count >= row.input_count && i < row.input_count;
    if (wants_state != (graph[node.inputs[i]].kind == ValueKind::state))
      return fail(Errc::invalid_graph, "input {} must {}be a state", i, wants_state ? "" : "not ");
    shapes.push_back(graph[node.inputs[i]].shape);
  }
  QB_CHECK(verify_attributes(node, row));
  QB_TRY(const Shape shape, row.infer_shape(shapes, node.attributes));
  const ValueInfo& output = graph[node.output];
  if (output.shape != shape)
    return fail(Errc::invalid_graph, "gives {}, declared {}", to_string(shape),
                to_string(output.shape));
  return {};
}

}  // namespace

Result<void> verify(const Graph& graph) {
  QB_CHECK(verify_values(graph));
  std::vector<bool> known(graph.values.size());
  for (size_t i = 0; i < known.size(); ++i) known[i] = graph.values[i].kind != ValueKind::node;
  for (const Node& node : graph.nodes) {
    const auto index = static_cast<size_t>(node.output.index);
    if (node.output.index < 0 || index >= known.size() || known[index])
      return fail(Errc::invalid_graph, "a {} has no output of its own", name_of(node.op));
    QB_CHECK(with_context(verify_node(graph, node, known),
                          fmt::format("{} \"{}\"", name_of(node.op), graph[node.output].name)));
    known[index] = true;
  }
  QB_CHECK(verify_states(graph));
  QB_CHECK(verify_output_names(graph));
  if (graph.outputs.empty()) return fail(Errc::invalid_graph, "the graph has no output");
  for (const Value output : graph.outputs)
    if (output.index < 0 || static_cast<size_t>(output.index) >= known.size() ||
        !known[static_cast<size_t>(output.index)])
      return fail(Errc::invalid_graph, "an output is never computed");
  return {};
}

}  // namespace qb::ir
