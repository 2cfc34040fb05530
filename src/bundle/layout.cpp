#include "bundle/layout.h"

namespace qb::bundle {
namespace {

bool is_quantizable(const ir::Graph& graph, ir::Value parameter) {
  bool used = false;
  for (const ir::Node& node : graph.nodes) {
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] != parameter) continue;
      if (static_cast<int>(i) != ir::row_of(node.op).quantizable_input) return false;
      used = true;
    }
  }
  return used;
}

}  // namespace

Extent extent_of(const std::vector<int64_t>& shape) {
  Extent extent = {.row_count = shape.empty() ? 1 : shape[0]};
  for (size_t i = 1; i < shape.size(); ++i) extent.column_count *= shape[i];
  return extent;
}

Encoding encoding_of(const ir::Graph& graph, ir::Value parameter, const quant::Scheme& scheme) {
  if (scheme.weight_type == quant::WeightType::f32 || !is_quantizable(graph, parameter))
    return Encoding::f32;
  switch (scheme.weight_type) {
    case quant::WeightType::f16:
      return Encoding::f16;
    case quant::WeightType::bf16:
      return Encoding::bf16;
    default:
      return Encoding::packed;
  }
}

}  // namespace qb::bundle
