#include "base/environment.h"

#include <cstdlib>

namespace qb {

Environment system_environment() {
  return [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    if (!value || !*value) return {};
    return std::string(value);
  };
}

}  // namespace qb
