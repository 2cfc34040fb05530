#include "measurement/lowering/rotary.h"

#include <cmath>

namespace qb::lowering {

RotaryTables rotary_tables(int64_t position_count, int64_t head_dim, double theta) {
  RotaryTables tables;
  for (int64_t position = 0; position < position_count; ++position) {
    for (int64_t i = 0; i < head_dim / 2; ++i) {
      const double frequency =
          std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim));
      const double angle = static_cast<double>(position) * frequency;
      tables.cosines.push_back(static_cast<float>(std::cos(angle)));
      tables.sines.push_back(static_cast<float>(std::sin(angle)));
    }
  }
  return tables;
}

}  // namespace qb::lowering
