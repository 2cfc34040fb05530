// Block formats as the packed layout's arrays, for engines whose kernels take those: the same codes
// and, to the bit, the same scales.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "compression/quant/packed.h"
#include "network/ggml/block_formats.h"

namespace qb::quant {

// weight = (code - zero_point) * scale + minimum, with layout.symmetric's zero point when there are
// no minimums and 0 when there are. Codes that don't fit into 4 bits
// take 8.
struct UnpackedBlocks {
  PackedLayout layout;
  std::vector<uint8_t> codes;
  std::vector<float> scales;
  std::vector<float> minimums;  // as many as scales, or none
};
UnpackedBlocks unpack_blocks(ggml::BlockFormat format, std::span<const std::byte> blocks,
                             int64_t row_count, int64_t column_count);

}  // namespace qb::quant
