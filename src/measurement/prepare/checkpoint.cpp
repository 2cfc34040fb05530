#include "measurement/prepare/checkpoint.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/file_name.h"

namespace qb::prepare {
namespace fs = std::filesystem;
namespace {

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// Of several parts of one ("x-00001-of-00003.gguf") the first.
Result<fs::path> find_gguf(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string stem = entry.path().stem().string();
    const size_t number = stem.rfind("-of-");
    const bool is_later_part =
        number != std::string::npos && number >= 5 && stem.substr(number - 5, 5) != "00001" &&
        stem.substr(number - 5, 5).find_first_not_of("0123456789") == std::string::npos;
    if (file_ending(entry.path()) == ".gguf" && !is_later_part) found.push_back(entry.path());
  }
  if (error) return fail(Errc::io, "{}: {}", folder.string(), error.message());
  if (found.size() == 1) return found.front();
  if (found.empty())
    return fail(Errc::not_found,
                "{}: has no weights: neither model.safetensors, model.safetensors.index.json, "
                "pytorch_model.bin nor a .gguf",
                folder.string());
  std::ranges::sort(found);
  return fail(Errc::bad_input, "{}: has {} .gguf files: give one of them, as in --model {}",
              folder.string(), found.size(), found.front().string());
}

Result<CheckpointFiles> find_in_folder(const fs::path& folder) {
  CheckpointFiles files = {.config = folder / "config.json"};
  for (const char* name :
       {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"})
    if (files.weights.empty() && is_there(folder / name)) files.weights = folder / name;
  if (files.weights.empty() && is_there(folder / "pytorch_model.bin.index.json"))
    return fail(Errc::unsupported,
                "{}: weights in several pytorch_model files are not read; save them as safetensors",
                folder.string());
  if (files.weights.empty()) {
    QB_TRY(files.weights, find_gguf(folder));
    files.config.clear();
    return files;
  }
  if (!is_there(files.config))
    return fail(Errc::not_found, "{}: config.json is missing: it says what the network is",
                folder.string());
  return files;
}

}  // namespace

Result<CheckpointFiles> find_checkpoint(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return find_in_folder(path);
  if (!is_there(path)) return fail(Errc::not_found, "{}: no such file or folder", path.string());
  if (file_ending(path) != ".gguf")
    return fail(Errc::bad_input,
                "{}: is neither a .gguf nor a folder with config.json and weights: give the folder",
                path.string());
  return CheckpointFiles{.weights = path};
}

}  // namespace qb::prepare
