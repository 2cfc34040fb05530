#include "base/rng.h"

#include <xxhash.h>

#include "base/normal.h"

namespace qb {

double Rng::normal() {
  const uint64_t first = next();
  return normal_of(first, next());
}

uint64_t derive_seed(uint64_t seed, std::string_view name) {
  return XXH3_64bits_withSeed(name.data(), name.size(), seed);
}

}  // namespace qb
