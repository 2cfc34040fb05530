// Integer convolutions hold a bias in 32 bits, in units of input scale * weight scale: beside
// weights that are next to nothing (pruned filters) such a unit is too small for it. The scale of
// these weights is raised, as ONNX Runtime's quantizer does, before any framework sees the bits.
#pragma once

#include <span>
#include <vector>

#include "compression/quant/quantize.h"

namespace qb::compress {

// The least weight scale of each row with which |bias| stays below 2^30 units. `input_scale` > 0.
std::vector<float> least_scales(std::span<const float> bias, float input_scale);

// Rows whose scale is smaller get the least one, and their codes anew; of a weight with one scale
// for all rows, all do. `weights` [row_count, column_count]; `packed` has 8 bits, symmetric, one
// group a row. What is lost is below a bias's own 30 bits. Gives whether anything changed.
bool raise_scales(quant::Packed& packed, std::span<const float> weights,
                  std::span<const float> least);

}  // namespace qb::compress
