#include "base/paths.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "base/executable.h"

namespace qb {
namespace {

std::filesystem::path from_environment(const char* name, std::filesystem::path otherwise) {
  const char* value = std::getenv(name);
  return value && *value ? std::filesystem::path(value) : std::move(otherwise);
}

// Where services and containers set no HOME. Not /tmp, which all users share: another's files would
// be taken for this one's cache.
std::filesystem::path known_home() {
  const passwd* user = ::getpwuid(::getuid());
  return user && user->pw_dir && *user->pw_dir ? std::filesystem::path(user->pw_dir)
                                               : std::filesystem::current_path();
}

std::filesystem::path user_folder(const char* xdg_name, const char* below_home) {
  const std::filesystem::path home = from_environment("HOME", known_home());
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
