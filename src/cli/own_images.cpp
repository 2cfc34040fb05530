#include "cli/own_images.h"

#include <algorithm>
#include <vector>

#include "base/hash.h"
#include "cli/own_text.h"

namespace qb::cli {
namespace fs = std::filesystem;

Result<fs::path> images_path(const fs::path& given) {
  if (given.empty()) return given;
  std::error_code error;
  if (!fs::exists(given, error))
    return fail(Errc::not_found, "--images {}: no such file or folder", given.string());
  const fs::path path = fs::absolute(given).lexically_normal();
  return path.has_filename() ? path : path.parent_path();
}

Result<void> check_images(const fs::path& images, const plan::Plan& plan, bool is_quiet) {
  if (images.empty()) return {};
  return check_own_data({.option = "--images",
                         .kind = "pictures",
                         .path = images,
                         .datasets = {"pictures", "described_pictures"},
                         .preparation = {.images = images.string()}},
                        plan, is_quiet);
}

std::string images_hash(const fs::path& images) {
  std::error_code error;
  if (!fs::is_directory(images, error)) return hash_of_file(images).value_or("");
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(images, error))
    if (entry.is_regular_file(error))
      files.push_back(fmt::format("{} {}\n", entry.path().lexically_relative(images).string(),
                                  entry.file_size(error)));
  std::ranges::sort(files);
  Hasher hasher;
  for (const std::string& file : files) hasher.update(file);
  return hasher.hex();
}

Result<void> check_same_images(const fs::path& images, const std::string& hash) {
  if (images.empty() || images_hash(images) == hash) return {};
  return fail(Errc::bad_input, "{}: has changed since the run began: begin a new one",
              images.string());
}

}  // namespace qb::cli
