// What is given at a step, checked against what the graph takes.
#pragma once

#include <span>

#include "base/result.h"
#include "base/tensor.h"
#include "network/ir/graph.h"

namespace qb::ir {

// The symbols' extents in a step: those that steps tell from the tensors' shapes, those that are
// set at compilation as known. `tensors` in the order of the graph's inputs. Errors: bad_input,
// when their number, type or shape is not the graph's, two of them disagree about a symbol, the
// step's tokens don't fit into the caches after `past_tokens`, or they are more than a table of
// positions has.
Result<Extents> extents_of(const Graph& graph, std::span<const TensorView> tensors, Extents known,
                           int64_t past_tokens);

}  // namespace qb::ir
