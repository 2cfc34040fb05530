// The running program's own file; one source file a system.
#pragma once

#include <filesystem>

namespace qb {

std::filesystem::path executable_path();

}  // namespace qb
