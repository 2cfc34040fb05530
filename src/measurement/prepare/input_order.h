// Checkpoints whose groups are of inputs that aren't neighbours (GPTQ's act-order): the weight's
// columns are put in the groups' order, and what it reads with them, which changes no product.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "compression/compress/network.h"
#include "measurement/prepare/placement.h"
#include "network/weights/quantized.h"

namespace qb::prepare {

// order[i]: the input that is at place i when groups lie one after another; empty: they do already,
// or no order makes groups of one size.
std::vector<int64_t> input_order(const weights::Coding& coding);

// Of the parameters that need one.
using InputOrders = std::map<std::string, std::vector<int64_t>, std::less<>>;
InputOrders input_orders(const Placement& placement);

// The same network with those weights in their order. Linears that read one value in one order
// share it. Errors: unsupported, a weight that is read by something else than linears.
Result<compress::Network> with_ordered_inputs(const compress::Network& network,
                                              const InputOrders& orders);

}  // namespace qb::prepare
