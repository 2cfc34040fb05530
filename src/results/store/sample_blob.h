// Raw samples as a compact blob.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace qb::store {

std::string compress(const std::vector<int64_t>& values);
// Error: the blob is damaged or doesn't hold `count` values.
Result<std::vector<int64_t>> decompress(std::string_view blob, int64_t count);

}  // namespace qb::store
