// Nothing is compiled for one processor there. Checked by compiling for macOS; never run on Linux.
#include "base/processor.h"

namespace qb {

std::set<std::string, std::less<>> processor_instructions() { return {}; }

}  // namespace qb
