// How engines with integer kernels see the values that a bundle rounds to 8 bits.
#pragma once

#include "compression/bundle/bundle.h"

namespace qb::lowering {

// The value's rounding as its readers see it: of a flattened value that of what was flattened.
bundle::Activation rounding_of(const bundle::Bundle& bundle, ir::Value value);

// The relu6 that alone reads the value, whose result is measured within [0, 6], so that saturation
// to codes is the relu6; null: none.
const ir::Node* absorbed_relu6(const bundle::Bundle& bundle, ir::Value value);

}  // namespace qb::lowering
