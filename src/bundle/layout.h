// What writer and reader of a bundle agree on.
#pragma once

#include <cstdint>
#include <vector>

#include "bundle/bundle.h"
#include "quant/quantize.h"

namespace qb::bundle {

inline constexpr int64_t format_version = 1;
inline constexpr int64_t array_alignment = 64;

// A parameter as a matrix: the trailing dimensions flattened.
struct Extent {
  int64_t row_count = 1;
  int64_t column_count = 1;
};
Extent extent_of(const std::vector<int64_t>& shape);

// How the scheme stores a parameter: quantized when every use of it is an operator's quantizable
// input, fp32 otherwise.
Encoding encoding_of(const ir::Graph& graph, ir::Value parameter, const quant::Scheme& scheme);

}  // namespace qb::bundle
