// What PyTorch throws, in the terms of a Result.
#pragma once

#include <exception>
#include <string>

#include "base/result.h"

namespace qb::pytorch {

// Its words, without the stack of the C++ code that threw.
std::string text_of(const std::exception& error);

// One line of them. Errors: unsupported, where PyTorch says that it has no such kernel;
// out_of_memory; framework_failed.
tl::unexpected<Error> failure(const std::exception& error);

}  // namespace qb::pytorch
