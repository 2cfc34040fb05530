// A scheme: how the weights of linear, conv2d and embedding are stored. A value, not code. Vectors
// (norms, biases, batch-norm statistics) stay fp32 in every scheme.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace qb::quant {

enum class WeightType : uint8_t { f32, f16, bf16, integer };
enum class Granularity : uint8_t {
  none,     // floating point
  channel,  // one scale for each row (output channel, vocabulary entry)
  group,    // one scale for each run of group_size weights in a row
};

struct Scheme {
  std::string_view name;
  WeightType weight_type = WeightType::f32;
  int32_t weight_bits = 32;
  Granularity granularity = Granularity::none;
  int32_t group_size = 0;
  bool symmetric = false;
  std::string_view summary;  // one sentence for `qbench schemes`
};

std::span<const Scheme> schemes();

// An unknown name is an error that lists the known ones.
Result<Scheme> find_scheme(std::string_view name);

}  // namespace qb::quant
