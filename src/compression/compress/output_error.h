// How far a layer's outputs are from what they were.
#pragma once

#include <cstdint>
#include <span>

#include "compression/compress/calibrate.h"

namespace qb::compress {

// tr(D H Dᵀ) of D = `weights` - `decoded`, [row_count, columns]: the squared error of the layer's
// outputs for a mean input. Groups of rows have their own hessian.
double output_error(std::span<const float> weights, std::span<const float> decoded,
                    const InputStatistics& inputs, int64_t thread_count);

}  // namespace qb::compress
