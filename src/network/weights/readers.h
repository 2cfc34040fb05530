// What the readers share among themselves.
#pragma once

#include "network/weights/weight_file.h"

namespace qb::weights {

// Refuses duplicate names and puts the file's path before every message.
Result<WeightFile> checked(Result<WeightFile> file, const std::filesystem::path& path);

}  // namespace qb::weights
