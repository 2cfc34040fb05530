#include <system_error>

#include "base/executable.h"

namespace qb {

std::filesystem::path executable_path() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error);
}

}  // namespace qb
