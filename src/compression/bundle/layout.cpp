#include "compression/bundle/layout.h"

#include <algorithm>

namespace qb::bundle {

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

Extent extent_of(const std::vector<int64_t>& shape) {
  Extent extent = {.row_count = shape.empty() ? 1 : shape[0]};
  for (size_t i = 1; i < shape.size(); ++i) extent.column_count *= shape[i];
  return extent;
}

namespace {

// The branch of an adapter may be added to it.
bool gives_output(const ir::Graph& graph, const ir::Node& node) {
  if (graph.is_output(node.output)) return true;
  const ir::Node* reader = graph.only_reader(node.output);
  return reader && reader->op == ir::Op::add && graph.is_output(reader->output);
}

}  // namespace

uint32_t roles_of(const ir::Graph& graph, ir::Value parameter) {
  const std::string_view name = graph[parameter].name;
  if (name.ends_with(adapter_down) || name.ends_with(adapter_up)) return quant::role_adapter;
  uint32_t roles = 0;
  for (const ir::Node& node : graph.nodes) {
    if (std::ranges::find(node.inputs, parameter) == node.inputs.end()) continue;
    roles |= node.op == ir::Op::embedding ? quant::role_embedding
             : node.op == ir::Op::conv2d  ? quant::role_convolution
             : gives_output(graph, node)  ? quant::role_head
                                          : quant::role_linear;
  }
  return roles;
}

bool is_quantized(const ir::Graph& graph, ir::Value parameter, const quant::Scheme& scheme) {
  return is_quantizable(graph, parameter) && (roles_of(graph, parameter) & ~scheme.roles()) == 0;
}

std::optional<ggml::BlockFormat> fitting_block(ggml::BlockFormat format, int64_t column_count) {
  using ggml::BlockFormat;
  if (column_count % ggml::row_of(format).length == 0) return format;
  if (format == BlockFormat::q4_k) return fitting_block(BlockFormat::q4_1, column_count);
  if (format == BlockFormat::q6_k) return fitting_block(BlockFormat::q8_0, column_count);
  return std::nullopt;
}

}  // namespace qb::bundle
