// The block formats of GGUF files (ggml's): a run of weights shares scales that are stored with its
// codes. Decoding is exact; q8_0, q4_0 and q4_1 are encoded bit for bit as llama.cpp does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace qb::ggml {

enum class BlockFormat : uint8_t {
  q4_0,    // 32 weights: d (q - 8), q in 0..15
  q4_1,    // 32 weights: d q + m
  q5_0,    // 32 weights: d (q - 16), q in 0..31
  q5_1,    // 32 weights: d q + m
  q8_0,    // 32 weights: d q, q in -127..127
  q2_k,    // 256 weights: 16 runs of 16, each d s q - d' m with 4-bit s and m
  q3_k,    // 256 weights: 16 runs of 16, each d s (q - 4) with 6-bit s
  q4_k,    // 256 weights: 8 runs of 32, each d s q - d' m with 6-bit s and m
  q5_k,    // the same with q in 0..31
  q6_k,    // 256 weights: 16 runs of 16, each d s (q - 32) with 8-bit s and q in 0..63
  iq4_nl,  // 32 weights: d v[q], of 16 values
  iq4_xs,  // 256 weights: 8 runs of 32, each d s v[q] with 6-bit s
  mxfp4,   // 32 weights: E2M1 times a power of two; GGUF's order, not MLX's
};

struct BlockRow {
  BlockFormat format;
  std::string_view name;
  int64_t length = 0;  // weights in a block
  int64_t bytes = 0;   // of a block
  int64_t run = 0;     // weights that share one scale
  int32_t code_min = 0, code_max = 0;

  bool has_minimums() const { return code_min == 0; }

  double bits_per_weight() const {
    return static_cast<double>(bytes) * 8.0 / static_cast<double>(length);
  }
};

std::span<const BlockRow> block_formats();
const BlockRow& row_of(BlockFormat format);

// One block as integers: weight i = codes[i] * scales[i / run] + minimums[i / run].
struct BlockParts {
  int8_t codes[256];
  float scales[16];
  float minimums[16];
};
BlockParts split_block(BlockFormat format, std::span<const std::byte> block);

// Whole blocks; out has length weights for each.
void decode(BlockFormat format, std::span<const std::byte> blocks, std::span<float> out);

// Whether weights can be encoded in it.
bool can_encode(BlockFormat format);

// `weights` are finite and whole blocks; a block whose scale exceeds fp16 decodes to infinity.
// q4_k and q6_k: min-max scales of each run (llama.cpp searches better ones, so its bits differ).
void encode(BlockFormat format, std::span<const float> weights, std::span<std::byte> blocks);

}  // namespace qb::ggml
