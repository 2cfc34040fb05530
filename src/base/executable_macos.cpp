#include <mach-o/dyld.h>

#include <cstdint>
#include <string>

#include "base/executable.h"

namespace qb {

std::filesystem::path executable_path() {
  uint32_t length = 0;
  _NSGetExecutablePath(nullptr, &length);
  std::string path(length, '\0');
  if (_NSGetExecutablePath(path.data(), &length) != 0) return {};
  return std::filesystem::path(path.c_str());
}

}  // namespace qb
