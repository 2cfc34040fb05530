// A graph as JSON, for the bundle.
#include "network/ir/graph.h"

namespace qb::ir {
namespace {

Json shape_to_json(const Shape& shape) {
  Json::Array array;
  for (const Dim& dim : shape)
    array.push_back(dim.is_fixed() ? Json(dim.extent) : Json(name_of(dim.symbol)));
  return array;
}

Result<Shape> shape_from_json(const Json& json) {
  Shape shape;
  for (const Json& item : json.as_array()) {
    if (item.is_int()) {
      shape.emplace_back(item.as_int());
      continue;
    }
    QB_TRY(const Symbol symbol, parse_symbol(item.as_string()));
    shape.emplace_back(symbol);
  }
  return shape;
}

Json attributes_to_json(const Attributes& attributes) {
  Json json = Json::object({});
  for (const auto& [name, value] : attributes.items())
    std::visit(
        [&json, &name = name](const auto& item) {
          if constexpr (std::is_arithmetic_v<std::decay_t<decltype(item)>>)
            json.set(name, item);
          else
            json.set(name, Json::array_of(item));
        },
        value);
  return json;
}

// The row says whether a number is an integer or a real: JSON can't tell 1 from 1.0.
Attributes attributes_from_json(const Json& json, const OperatorRow& row) {
  Attributes attributes;
  for (const AttributeRow& wanted : row.attributes) {
    const Json& value = json[wanted.name];
    std::string name(wanted.name);
    if (wanted.kind == AttributeKind::real && value.is_number()) {
      attributes.set(std::move(name), value.as_double());
    } else if (wanted.kind == AttributeKind::integer && value.is_int()) {
      attributes.set(std::move(name), value.as_int());
    } else if (wanted.kind == AttributeKind::integers && value.is_array()) {
      std::vector<int64_t> items;
      for (const Json& item : value.as_array()) items.push_back(item.as_int());
      attributes.set(std::move(name), std::move(items));
    } else if (wanted.kind == AttributeKind::reals && value.is_array()) {
      std::vector<double> items;
      for (const Json& item : value.as_array()) items.push_back(item.as_double());
      attributes.set(std::move(name), std::move(items));
    }
  }
  return attributes;
}

Result<ValueInfo> value_from_json(const Json& json) {
  static constexpr ValueKind kinds[] = {ValueKind::input, ValueKind::parameter, ValueKind::state,
                                        ValueKind::node};
  ValueInfo value;
  QB_TRY(value.name, json.get_string("name"));
  QB_TRY(const std::string kind, json.get_string("kind"));
  bool known = false;
  for (const ValueKind candidate : kinds) {
    if (name_of(candidate) != kind) continue;
    value.kind = candidate;
    known = true;
  }
  if (!known) return fail(Errc::invalid_graph, "value \"{}\": unknown kind {}", value.name, kind);
  value.type = json["type"].as_string() == "i64" ? ElementType::i64 : ElementType::f32;
  QB_TRY(value.shape, shape_from_json(json["shape"]));
  return value;
}

Json indices(const std::vector<Value>& values) {
  Json::Array array;
  for (const Value value : values) array.emplace_back(value.index);
  return array;
}

std::vector<Value> values_from(const Json& json) {
  std::vector<Value> values;
  for (const Json& item : json.as_array())
    values.push_back({static_cast<int32_t>(item.as_int(-1))});
  return values;
}

}  // namespace

Json to_json(const Graph& graph) {
  Json::Array values;
  for (const ValueInfo& value : graph.values)
    values.push_back(Json::object({{"name", value.name},
                                   {"kind", name_of(value.kind)},
                                   {"type", name_of(value.type)},
                                   {"shape", shape_to_json(value.shape)}}));
  Json::Array nodes;
  for (const Node& node : graph.nodes)
    nodes.push_back(Json::object({{"op", name_of(node.op)},
                                  {"inputs", indices(node.inputs)},
                                  {"output", node.output.index},
                                  {"attributes", attributes_to_json(node.attributes)}}));
  Json json = Json::object({{"name", graph.name},
                            {"values", std::move(values)},
                            {"nodes", std::move(nodes)},
                            {"outputs", indices(graph.outputs)}});
  if (!graph.output_names.empty()) json.set("output_names", Json::array_of(graph.output_names));
  return json;
}

Result<Graph> graph_from_json(const Json& json) {
  Graph graph;
  QB_TRY(graph.name, json.get_string("name"));
  for (const Json& item : json["values"].as_array()) {
    QB_TRY(ValueInfo value, value_from_json(item));
    graph.values.push_back(std::move(value));
  }
  for (const Json& item : json["nodes"].as_array()) {
    Node node;
    QB_TRY(node.op, parse_op(item["op"].as_string()));
    node.inputs = values_from(item["inputs"]);
    node.output = {static_cast<int32_t>(item["output"].as_int(-1))};
    node.attributes = attributes_from_json(item["attributes"], row_of(node.op));
    graph.nodes.push_back(std::move(node));
  }
  graph.outputs = values_from(json["outputs"]);
  for (const Json& name : json["output_names"].as_array())
    graph.output_names.push_back(name.as_string());
  QB_CHECK(verify(graph));
  return graph;
}

}  // namespace qb::ir
