#include "base/paths.h"

#include <cstdlib>
#include <utility>

#include "base/executable.h"

namespace qb {
namespace {

std::filesystem::path from_environment(const char* name, std::filesystem::path otherwise) {
  const char* value = std::getenv(name);
  return value && *value ? std::filesystem::path(value) : std::move(otherwise);
}

std::filesystem::path user_folder(const char* xdg_name, const char* below_home) {
  const std::filesystem::path home = from_environment("HOME", "/tmp");
  return from_environment(xdg_name, home / below_home) / "qbench";
}

}  // namespace

std::filesystem::path executable_folder() { return executable_path().parent_path(); }

std::filesystem::path cache_folder() {
  return from_environment("QBENCH_CACHE", user_folder("XDG_CACHE_HOME", ".cache"));
}

std::filesystem::path home_folder() {
  return from_environment("QBENCH_HOME", user_folder("XDG_DATA_HOME", ".local/share"));
}

std::filesystem::path data_folder() {
  return from_environment("QBENCH_DATA", executable_folder() / ".." / ".." / "data");
}

std::filesystem::path suites_folder() {
  return from_environment("QBENCH_SUITES", executable_folder() / ".." / ".." / ".." / "suites");
}

}  // namespace qb
