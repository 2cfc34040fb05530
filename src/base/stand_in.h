// Files that stand where another was meant: what a download leaves when it didn't bring the file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "base/result.h"

namespace qb {

// Error: bad_input, when the bytes are a Git LFS or git-annex pointer, a web page or a server's
// error text: says which, and what to do. Looks at the first bytes only.
Result<void> check_no_stand_in(std::span<const std::byte> bytes);

// The same of a file. One that can't be read is no error of this check.
Result<void> check_no_stand_in(const std::filesystem::path& path);

}  // namespace qb
