#include "measurement/lowering/rotary.h"

#include <cmath>

namespace qb::lowering {

RotaryTables rotary_tables(int64_t position_count, const ir::RotaryOptions& rotary) {
  RotaryTables tables;
  const std::vector<double> frequencies = rotary.frequencies();
  for (int64_t position = 0; position < position_count; ++position) {
    for (const double frequency : frequencies) {
      const double angle = static_cast<double>(position) * frequency;
      tables.cosines.push_back(static_cast<float>(std::cos(angle) * rotary.magnitude));
      tables.sines.push_back(static_cast<float>(std::sin(angle) * rotary.magnitude));
    }
  }
  return tables;
}

}  // namespace qb::lowering
