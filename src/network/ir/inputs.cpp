#include "network/ir/inputs.h"

#include <algorithm>
#include <array>

namespace qb::ir {

namespace {

// What the shape says of the symbols that steps tell; the first tensor that has a symbol counts.
void read_extents(const Shape& shape, std::span<const int64_t> given, Extents& extents,
                  std::array<bool, symbol_count>& is_read) {
  for (size_t axis = 0; axis < shape.size() && axis < given.size(); ++axis) {
    const Symbol symbol = shape[axis].symbol;
    const auto index = static_cast<size_t>(symbol);
    if (shape[axis].is_fixed() || symbols()[index].is_set_at_compilation || is_read[index])
      continue;
    is_read[index] = true;
    extents.set(symbol, given[axis]);
  }
}

// Tables of positions end somewhere.
Result<void> check_positions(const Graph& graph, const Extents& extents) {
  for (const Node& node : graph.nodes) {
    if (node.op != Op::add_positions) continue;
    const Dim& tokens = graph[node.inputs[0]].shape[1];
    const ValueInfo& table = graph[node.inputs[1]];
    if (!tokens.is_fixed() && extents.of(tokens.symbol) > table.shape[0].extent)
      return fail(Errc::bad_input, "{} tokens, but {} has {} positions", extents.of(tokens.symbol),
                  table.name, table.shape[0].extent);
  }
  return {};
}

}  // namespace

Result<Extents> extents_of(const Graph& graph, std::span<const TensorView> tensors, Extents known,
                           int64_t past_tokens) {
  const auto values = graph.of_kind(ValueKind::input);
  if (tensors.size() != values.size())
    return fail(Errc::bad_input, "takes {} inputs, got {}", values.size(), tensors.size());
  Extents extents = known;
  std::array<bool, symbol_count> is_read = {};
  for (size_t i = 0; i < values.size(); ++i) {
    const ValueInfo& info = graph[values[i]];
    read_extents(info.shape, tensors[i].shape, extents, is_read);
    if (tensors[i].type != info.type ||
        !std::ranges::equal(ir::bind(info.shape, extents), tensors[i].shape))
      return fail(Errc::bad_input, "input {} must be {} {}", info.name, name_of(info.type),
                  to_string(info.shape));
  }
  const int64_t token_count = extents.of(Symbol::sequence);
  const int64_t context = extents.of(Symbol::context);
  if (!graph.of_kind(ValueKind::state).empty() && past_tokens + token_count > context)
    return fail(Errc::bad_input, "{} tokens after {} do not fit a cache of {}", token_count,
                past_tokens, context);
  QB_CHECK(check_positions(graph, extents));
  return extents;
}

}  // namespace qb::ir
