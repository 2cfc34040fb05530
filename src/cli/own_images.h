// The user's own pictures, that networks of pictures are judged on.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "orchestration/plan/plan.h"

namespace qb::cli {

// The absolute path of --images; "" where none was given. Error: nothing is there.
Result<std::filesystem::path> images_path(const std::filesystem::path& given);

// Has qbench-prepare make the plan's networks' input of them. Errors: pictures that can't be read,
// classes that a network doesn't have; nothing of the plan is judged on pictures.
Result<void> check_images(const std::filesystem::path& images, const plan::Plan& plan,
                          bool is_quiet);

// Of a CSV's content, or of a folder's files by their names and sizes.
std::string images_hash(const std::filesystem::path& images);
Result<void> check_same_images(const std::filesystem::path& images, const std::string& hash);

}  // namespace qb::cli
