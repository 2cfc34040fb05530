// macOS keeps freed memory by itself.
#include "measurement/engines/pytorch/allocator.h"

namespace qb::pytorch {

const char* keep_freed_memory() { return "the system's"; }

void give_back_freed_memory() {}

}  // namespace qb::pytorch
