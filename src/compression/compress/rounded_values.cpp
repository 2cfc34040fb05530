#include "compression/compress/rounded_values.h"

#include <algorithm>
#include <set>

#include "compression/bundle/layout.h"

namespace qb::compress {
namespace {

using ir::Node;
using ir::Op;
using ir::Value;

bool is_quantized_product(const ir::Graph& graph, const Node& node, const quant::Scheme& scheme) {
  return (node.op == Op::linear || node.op == Op::conv2d) &&
         bundle::is_quantized(graph, node.inputs[1], scheme);
}

// What stands for `value` in 8 bits: a flattened value is the same codes in another shape.
Value unflattened(const ir::Graph& graph, Value value) {
  const Node* node = graph.producer_of(value);
  return node && node->op == Op::flatten ? node->inputs[0] : value;
}

// What the node gives, after the relu or relu6 that alone reads it.
Value rectified(const ir::Graph& graph, const Node& node) {
  const Node* reader = graph.only_reader(node.output);
  return reader && ir::is_rectifier(reader->op) ? reader->output : node.output;
}

}  // namespace

std::vector<Value> rounded_values(const ir::Graph& graph, const quant::Scheme& scheme) {
  std::set<int32_t> rounded;
  const bool is_measured = scheme.activations == quant::Activations::measured;
  if (scheme.activations == quant::Activations::none) return {};
  for (const Node& node : graph.nodes) {
    if (!is_quantized_product(graph, node, scheme)) continue;
    rounded.insert(is_measured ? unflattened(graph, node.inputs[0]).index : node.inputs[0].index);
    if (!is_measured || node.op != Op::conv2d) continue;
    rounded.insert(rectified(graph, node).index);
  }
  if (is_measured)
    for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node)
      if ((node->op == Op::add || node->op == Op::global_average_pool) &&
          rounded.contains(rectified(graph, *node).index) &&
          std::ranges::none_of(node->inputs, [&](Value input) {
            return graph[input].kind == ir::ValueKind::parameter;
          }))
        for (const Value input : node->inputs) rounded.insert(input.index);
  for (const Value output : graph.outputs) rounded.erase(output.index);
  std::vector<Value> values;
  for (const int32_t index : rounded) values.push_back({index});
  return values;
}

}  // namespace qb::compress
