#include "worker/step.h"

#include <algorithm>

namespace qb::worker {
namespace {

Result<void> check_shape(const ir::ValueInfo& info, const TensorView& tensor,
                         ir::Extents& extents) {
  for (size_t axis = 0; axis < info.shape.size() && axis < tensor.shape.size(); ++axis) {
    const ir::Symbol symbol = info.shape[axis].symbol;
    if (symbol == ir::Symbol::sequence) extents.sequence = tensor.shape[axis];
    if (symbol == ir::Symbol::selected) extents.selected = tensor.shape[axis];
  }
  if (tensor.type != info.type || !std::ranges::equal(ir::bind(info.shape, extents), tensor.shape))
    return fail(Errc::bad_input, "input {} does not fit {}", info.name, ir::to_string(info.shape));
  return {};
}

// How many entries an integer input chooses from: rows of a table, or tokens of the step.
int64_t index_limit(const ir::Graph& graph, ir::Value input, const ir::Extents& extents) {
  for (const ir::Node& node : graph.nodes) {
    if (node.op == ir::Op::embedding && node.inputs[0] == input)
      return graph[node.inputs[1]].shape[0].extent;
    if (node.op == ir::Op::select_positions && node.inputs[1] == input) return extents.sequence;
  }
  return 0;
}

Result<void> check_indices(const ir::ValueInfo& info, const TensorView& tensor, int64_t limit) {
  for (const int64_t index : tensor.i64())
    if (index < 0 || index >= limit)
      return fail(Errc::bad_input, "{} holds {}, which is outside [0, {})", info.name, index,
                  limit);
  return {};
}

}  // namespace

Result<ir::Extents> check_step(const ir::Graph& graph, const CompileOptions& options,
                               const StepInputs& inputs) {
  const auto values = graph.of_kind(ir::ValueKind::input);
  if (inputs.tensors.size() != values.size())
    return fail(Errc::bad_input, "takes {} inputs, got {}", values.size(), inputs.tensors.size());
  ir::Extents extents = {.batch = options.batch, .context = options.context_tokens};
  for (size_t i = 0; i < values.size(); ++i)
    QB_CHECK(check_shape(graph[values[i]], inputs.tensors[i], extents));
  const bool has_caches = !graph.of_kind(ir::ValueKind::state).empty();
  if (has_caches && inputs.past_tokens + extents.sequence > options.context_tokens)
    return fail(Errc::bad_input, "{} tokens after {} do not fit a cache of {}", extents.sequence,
                inputs.past_tokens, options.context_tokens);
  for (size_t i = 0; i < values.size(); ++i)
    if (inputs.tensors[i].type == ElementType::i64)
      QB_CHECK(check_indices(graph[values[i]], inputs.tensors[i],
                             index_limit(graph, values[i], extents)));
  return extents;
}

}  // namespace qb::worker
