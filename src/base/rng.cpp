#include "base/rng.h"

#include <xxhash.h>

namespace qb {

uint64_t derive_seed(uint64_t seed, std::string_view name) {
  return XXH3_64bits_withSeed(name.data(), name.size(), seed);
}

}  // namespace qb
