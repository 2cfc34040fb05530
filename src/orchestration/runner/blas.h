// A BLAS for workers whose framework comes with one that is made to be read and not to be fast.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace qb::runner {

enum class BlasChoice : uint8_t {
  fast,  // another BLAS than the framework's own, where that is slow and there is a better one
  as_shipped,  // the framework's own
};
std::string_view name_of(BlasChoice choice);  // "fast", "as-shipped"
Result<BlasChoice> parse_blas_choice(std::string_view name);

// Variables for the environment of a worker ("NAME=value") that make its process use the system's
// fast BLAS; empty where there is none, or none is needed.
std::vector<std::string> fast_blas_environment();

}  // namespace qb::runner
