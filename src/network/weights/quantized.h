// Checkpoints that other tools quantized: GPTQ, AWQ, compressed-tensors, MLX. A weight is there as
// several tensors (codes, scales, zero points, …), which together are read as one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "network/weights/weight_file.h"

namespace qb::weights {

// One row [column_count] of a weight. With g the group of column x:
//
//   weight(x) = (code(x) - zero_points[g]) * scales[g] + offsets[g]
//
// where code(x) is the number itself, or what Coding::values gives for it. Empty zero points or
// offsets are zeros.
struct CodedRow {
  std::vector<uint8_t> codes;      // [column_count]
  std::vector<float> scales;       // [group_count]
  std::vector<float> zero_points;  // [group_count]
  std::vector<float> offsets;      // [group_count]
};

// What the tool meant the weight's inputs to be.
enum class Reading : uint8_t {
  floats,
  int8_by_token,  // symmetric, by the range that each token has
  otherwise,      // rounded in another way
};

class Coding {
 public:
  virtual ~Coding() = default;
  // Fills the row's parts, reusing their memory.
  virtual void read_row(int64_t row, CodedRow& out) const = 0;

  std::string name;  // "gptq-w4g128s": method, bits, group, s for symmetric
  int32_t bits = 0;
  int64_t row_count = 0;
  int64_t column_count = 0;
  int64_t group_count = 1;               // a row
  std::vector<int32_t> group_of_column;  // [column_count]
  Reading reading = Reading::floats;
  std::vector<float> values;  // of codes that are small floats: [2^bits]
};

// Rows from first_row on; out has column_count values for each.
Result<void> decode_coded(const Coding& coding, int64_t first_row, std::span<float> out,
                          int64_t thread_count);

// Whether config.json says that the checkpoint is quantized.
bool is_quantized(const Json& config);

// Replaces the parts of each quantized weight by one tensor, named as in the model that was
// quantized ("….weight"), of format coded. `config` is the checkpoint's config.json; the file's
// mappings must live as long as the tensors. Gives the names of the codings found. Errors:
// unsupported, a method or format that isn't read, by its name; bad_input, parts that are missing
// or don't fit each other.
Result<std::vector<std::string>> join_quantized(const Json& config, WeightFile& file);

}  // namespace qb::weights
