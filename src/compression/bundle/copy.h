// A model copied out of the cache.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace qb::bundle {

// Copies the model in `folder` to the new folder `target` and gives where it then lies: `target`
// itself for one bundle; a folder in it for a list, beside its networks. Error: io; nothing is left
// of what can't be completed.
Result<std::filesystem::path> copy_model(const std::filesystem::path& folder,
                                         const std::filesystem::path& target);

}  // namespace qb::bundle
