// Packed weights as ONNX Runtime's block-quantized operators want them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "compression/quant/packed.h"
#include "measurement/engines/onnxruntime/lowering.h"

namespace qb::ort {

// MatMulNBits and GatherBlockQuantized: blocks of a power of two from 16 to 256, rows padded to
// whole blocks. A group of that size is used where it lies; a row with one scale gets it repeated
// for each block (the same bits and numbers), and its codes are copied only when they need padding.
struct BlockedWeight {
  int64_t row_count = 0;
  int64_t column_count = 0;
  int64_t block_size = 0;
  int64_t blocks_per_row = 0;
  int32_t bits = 0;
  std::span<const uint8_t> codes;
  std::span<const float> scales;
  std::span<const uint8_t> zero_points;  // empty: 2^(bits - 1)
  std::span<const float> minimums;       // of block formats: weight = code * scale + minimum
};

BlockedWeight block_weight(Lowering& l, const quant::PackedView& packed);
// Of a parameter that is packed or in a block format.
BlockedWeight block_weight(Lowering& l, const bundle::Parameter& parameter);

// The weight's rows one after another, without padding between rows: 4-bit tensors of ONNX are
// packed so. `out_codes` and `out_zero_points` hold the codes as one byte each.
struct TightWeight {
  std::vector<uint8_t> codes;        // packed, [row_count, column_count]
  std::vector<uint8_t> zero_points;  // packed, one for each scale
};
TightWeight tighten(const quant::PackedView& packed, int64_t stored_column_count);

}  // namespace qb::ort
