// The systems that a package can be for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "compression/quant/scheme.h"
#include "measurement/engines/coreml/values.h"

namespace qb::coreml {

struct TargetRow {
  std::string_view name;
  int32_t specification = 8;  // specificationVersion of the model
  std::string_view opset;     // of its functions
};

// Several systems of the same age take the same packages.
inline constexpr TargetRow target_rows[] = {
    {"ios17", 8, "CoreML7"},   {"macos14", 8, "CoreML7"}, {"ios18", 9, "CoreML8"},
    {"macos15", 9, "CoreML8"}, {"ios26", 10, "CoreML9"},  {"macos26", 10, "CoreML9"},
};

// What a package is for, and the float type that it computes in.
struct Target {
  TargetRow row;
  Type compute = Type::f16;

  // Blocks of weights, 4-bit weights, states, several functions and attention as one operator came
  // with iOS 18 and macOS 15.
  bool is_of_2024() const { return row.specification >= 9; }
};

// "ios18", or with the float type, "ios18:f32"; "" is macos15. Without a type it is f32 for
// unquantized weights and f16 for all others, as Core ML's kernels of them. Errors: bad_input.
Result<Target> parse_target(std::string_view text, const quant::Scheme& scheme);

}  // namespace qb::coreml
