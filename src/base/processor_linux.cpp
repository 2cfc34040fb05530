#include <fstream>
#include <sstream>

#include "base/processor.h"

namespace qb {

std::set<std::string, std::less<>> processor_instructions() {
  std::ifstream file("/proc/cpuinfo");
  std::set<std::string, std::less<>> names;
  for (std::string line; names.empty() && std::getline(file, line);) {
    if (!line.starts_with("flags") && !line.starts_with("Features")) continue;  // x86, ARM
    std::istringstream words(line.substr(line.find(':') + 1));
    for (std::string name; words >> name;) names.insert(name);
  }
  return names;
}

}  // namespace qb
