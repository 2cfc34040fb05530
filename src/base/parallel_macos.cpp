// Checked by compiling for macOS; never run on Linux.
#include "base/parallel.h"

namespace qb {

int64_t available_threads() { return std::max<int64_t>(1, std::thread::hardware_concurrency()); }

}  // namespace qb
