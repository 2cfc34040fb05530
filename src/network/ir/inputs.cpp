#include "network/ir/inputs.h"

#include <algorithm>

namespace qb::ir {

Result<Extents> extents_of(const Graph& graph, std::span<const TensorView> tensors, Extents known,
                           int64_t past_tokens) {
  const auto values = graph.of_kind(ValueKind::input);
  if (tensors.size() != values.size())
    return fail(Errc::bad_input, "takes {} inputs, got {}", values.size(), tensors.size());
  Extents extents = known;
  for (size_t i = 0; i < values.size(); ++i) {
    const ValueInfo& info = graph[values[i]];
    for (size_t axis = 0; axis < info.shape.size() && axis < tensors[i].shape.size(); ++axis) {
      const int64_t extent = tensors[i].shape[axis];
      if (info.shape[axis].symbol == Symbol::sequence) extents.sequence = extent;
      if (info.shape[axis].symbol == Symbol::selected) extents.selected = extent;
    }
    if (tensors[i].type != info.type ||
        !std::ranges::equal(ir::bind(info.shape, extents), tensors[i].shape))
      return fail(Errc::bad_input, "input {} must be {} {}", info.name, name_of(info.type),
                  to_string(info.shape));
  }
  if (!graph.of_kind(ValueKind::state).empty() && past_tokens + extents.sequence > extents.context)
    return fail(Errc::bad_input, "{} tokens after {} do not fit a cache of {}", extents.sequence,
                past_tokens, extents.context);
  return extents;
}

}  // namespace qb::ir
