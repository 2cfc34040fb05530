// How engines with integer kernels see the values that a bundle rounds to 8 bits.
#pragma once

#include "compression/bundle/bundle.h"

namespace qb::lowering {

// The value's rounding as its readers see it: of a flattened value that of what was flattened.
bundle::Activation rounding_of(const bundle::Bundle& bundle, ir::Value value);

// The relu or relu6 that alone reads the value, whose result is measured from 0 on (a relu6's up to
// 6 at most), so that saturation to codes does what it does; null: none.
const ir::Node* absorbed_rectifier(const bundle::Bundle& bundle, ir::Value value);

}  // namespace qb::lowering
