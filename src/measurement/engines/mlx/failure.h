// What MLX throws, in the terms of a Result.
#pragma once

#include <exception>
#include <new>
#include <string_view>

#include "base/result.h"

namespace qb::mlx {

// MLX throws one type for everything; what it can't do, it says so in words.
inline tl::unexpected<Error> failure(const std::exception& error) {
  const std::string_view text = error.what();
  if (dynamic_cast<const std::bad_alloc*>(&error) || text.find("Unable to allocate") != text.npos ||
      text.find("[malloc") != text.npos)
    return fail(Errc::out_of_memory, "MLX: {}", text);
  for (const char* words : {"NYI", "not yet implemented", "Not implemented", "not implemented",
                            "not supported", "Unsupported"})
    if (text.find(words) != text.npos) return fail(Errc::unsupported, "MLX: {}", text);
  return fail(Errc::framework_failed, "MLX: {}", text);
}

}  // namespace qb::mlx
