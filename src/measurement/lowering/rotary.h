// The angles of rotary position embeddings.
#pragma once

#include <cstdint>
#include <vector>

#include "network/ir/attention.h"

namespace qb::lowering {

// cos and sin of position * frequency of each pair, times the magnitude: each [position_count,
// dims / 2].
struct RotaryTables {
  std::vector<float> cosines, sines;
};

RotaryTables rotary_tables(int64_t position_count, const ir::RotaryOptions& rotary);

}  // namespace qb::lowering
