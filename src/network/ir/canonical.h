// The order of a graph that its structure alone decides. Who builds a graph may call in any order,
// and a C++ compiler may evaluate a call's arguments in any order; what is computed is the same, so
// text, hashes and files must be the same too.
#pragma once

#include "network/ir/graph.h"

namespace qb::ir {

// The graph with its inputs first, in the order in which they were declared, which is a model's
// interface as that of its outputs is; then all that the outputs need, each value after what it is
// computed from: outputs one after another, of each node its inputs from the first to the last.
// What no output needs is left out. Nodes' values are named anew by operator and place.
Graph in_canonical_order(const Graph& graph);

}  // namespace qb::ir
