#include "base/paths.h"

#include <cstdlib>
#include <utility>

#include "base/executable.h"

namespace qb {
namespace fs = std::filesystem;
namespace {

fs::path from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? fs::path(value) : fs::path();
}

fs::path from_environment(const char* name, fs::path otherwise) {
  fs::path value = from_environment(name);
  return value.empty() ? std::move(otherwise) : value;
}

// Installed, it lies in <prefix>/share/qbench; in a clone, at its place there.
fs::path shared_folder(const char* name, fs::path in_clone) {
  fs::path installed = executable_folder() / ".." / "share" / "qbench" / name;
  std::error_code ignored;
  return fs::exists(installed, ignored) ? installed : std::move(in_clone);
}

// As the XDG Base Directory Specification says, a variable with a relative path is ignored.
Result<fs::path> user_folder(const char* own_name, const char* xdg_name, const char* below_home) {
  if (fs::path own = from_environment(own_name); !own.empty()) return own;
  if (const fs::path xdg = from_environment(xdg_name); xdg.is_absolute()) return xdg / "qbench";
  const fs::path home = from_environment("HOME");
  if (home.is_absolute()) return home / below_home / "qbench";
  return fail(Errc::bad_input,
              "HOME is {}, so there is no folder of yours to keep things in: set HOME, or {} to a "
              "folder",
              home.empty() ? "not set" : fmt::format("\"{}\", no absolute path", home.string()),
              own_name);
}

}  // namespace

fs::path executable_folder() { return executable_path().parent_path(); }

Result<fs::path> cache_folder() { return user_folder("QBENCH_CACHE", "XDG_CACHE_HOME", ".cache"); }

Result<fs::path> home_folder() {
  return user_folder("QBENCH_HOME", "XDG_DATA_HOME", ".local/share");
}

fs::path data_folder() {
  return from_environment("QBENCH_DATA",
                          shared_folder("data", executable_folder() / ".." / ".." / "data"));
}

fs::path suites_folder() {
  return from_environment("QBENCH_SUITES", shared_folder("suites", executable_folder() / ".." /
                                                                       ".." / ".." / "suites"));
}

}  // namespace qb
