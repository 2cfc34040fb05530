#include "compression/quant/unpacked_blocks.h"

namespace qb::quant {

UnpackedBlocks unpack_blocks(ggml::BlockFormat format, std::span<const std::byte> blocks,
                             int64_t row_count, int64_t column_count) {
  const ggml::BlockRow& row = ggml::row_of(format);
  const bool has_minimums = row.has_minimums();
  const bool is_4_bit = row.code_max - row.code_min < 16;
  UnpackedBlocks out;
  out.layout = {.row_count = row_count,
                .column_count = column_count,
                .bits = is_4_bit ? 4 : 8,
                .group_size = row.run,
                .symmetric = true};
  out.codes.resize(out.layout.code_bytes());
  out.scales.reserve(out.layout.scale_count());
  const int32_t zero_point = has_minimums ? 0 : 1 << (out.layout.bits - 1);
  size_t next = 0;  // code
  for (; !blocks.empty(); blocks = blocks.subspan(static_cast<size_t>(row.bytes))) {
    const ggml::BlockParts parts = ggml::split_block(format, blocks);
    for (int64_t i = 0; i < row.length; ++i, ++next) {
      const int32_t code = parts.codes[i] + zero_point;
      if (is_4_bit)
        out.codes[next / 2] = static_cast<uint8_t>(out.codes[next / 2] | code << (4 * (next % 2)));
      else
        out.codes[next] = static_cast<uint8_t>(code);
    }
    for (int64_t run = 0; run < row.length / row.run; ++run) {
      out.scales.push_back(parts.scales[run]);
      if (has_minimums) out.minimums.push_back(parts.minimums[run]);
    }
  }
  return out;
}

}  // namespace qb::quant
