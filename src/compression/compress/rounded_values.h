// Which activations a scheme rounds to 8 bits.
#pragma once

#include <vector>

#include "compression/quant/scheme.h"
#include "network/ir/graph.h"

namespace qb::compress {

// Rounded at each run, for all or by token: what a quantized linear or conv2d reads.
// Measured: that, and what a conv2d gives (after a relu or relu6 that alone reads it), so that
// convolutions run in integers from end to end; what feeds a sum (with its relu, likewise) or a
// pooling that is rounded; a flattened value counts as what was flattened. Outputs of the network
// are never rounded.
std::vector<ir::Value> rounded_values(const ir::Graph& graph, const quant::Scheme& scheme);

}  // namespace qb::compress
