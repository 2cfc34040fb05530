// The variables of the environment, or what stands for them in a test.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace qb {

// A variable's value; empty where it isn't set, or to nothing.
using Environment = std::function<std::optional<std::string>(const char* name)>;
Environment system_environment();

}  // namespace qb
