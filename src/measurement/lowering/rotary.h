// The angles of rotary position embeddings.
#pragma once

#include <cstdint>
#include <vector>

namespace qb::lowering {

// cos and sin of position * theta^(-2i / head_dim) (Su et al. 2021), each [position_count,
// head_dim / 2].
struct RotaryTables {
  std::vector<float> cosines, sines;
};

RotaryTables rotary_tables(int64_t position_count, int64_t head_dim, double theta);

}  // namespace qb::lowering
