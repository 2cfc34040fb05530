#include <malloc.h>

#include "measurement/engines/pytorch/allocator.h"

namespace qb::pytorch {

const char* keep_freed_memory() {
  constexpr int largest_threshold = 32 << 20;  // that glibc takes
  constexpr int never = 1 << 30;
  const bool is_done = ::mallopt(M_MMAP_THRESHOLD, largest_threshold) == 1 &&
                       ::mallopt(M_TRIM_THRESHOLD, never) == 1;
  return is_done ? "glibc's malloc, freed memory kept" : "glibc's malloc";
}

void give_back_freed_memory() { ::malloc_trim(0); }

}  // namespace qb::pytorch
