// Integer weights in groups that a kernel takes, for engines whose kernels want a layout of their
// own: the same codes and, to the bit, the same scales, however the bundle stores them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "compression/bundle/bundle.h"

namespace qb::lowering {

// weight = code * scale + minimum. A row has stored_columns codes: padding decodes to 0.
struct GroupedWeight {
  int64_t row_count = 0;
  int64_t column_count = 0;
  int64_t stored_columns = 0;  // whole groups
  int64_t group_size = 0;
  int32_t bits = 8;             // 4 or 8
  std::vector<uint8_t> codes;   // one a byte, [row_count, stored_columns]
  std::vector<float> scales;    // [row_count, groups_per_row()]
  std::vector<float> minimums;  // as scales

  int64_t groups_per_row() const { return stored_columns / group_size; }
  bool is_padded() const { return stored_columns != column_count; }
};

// Bits of a code of a parameter that is packed or in a block format, as unpacked: 4 or 8.
int32_t code_bits_of(const bundle::Parameter& parameter);

// A parameter that is packed or in a block format, its groups cut into the largest of the `sizes`
// (in falling order) that leaves no rest in a row, or else padded. 0 among the sizes stands for a
// whole row. Errors: unsupported, when no size divides the parameter's groups.
Result<GroupedWeight> group_weight(const bundle::Parameter& parameter,
                                   std::span<const int64_t> sizes);

// Rows of several weights of the same columns, bits and groups, one after another.
GroupedWeight join_rows(std::span<const GroupedWeight> parts);

}  // namespace qb::lowering
