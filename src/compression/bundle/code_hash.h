// Hashes of the code that makes what is cached, its compiler included (cmake/qb_code_hash.cmake): a
// part of each recipe, so that what older code made is made anew.
#pragma once

#include <string>
#include <string_view>

#include "base/hash.h"

namespace qb::bundle {

std::string_view code_of_bundles();
std::string_view code_of_datasets();
std::string_view code_of_baselines();

// What a thing of that recipe is called in a cache.
inline std::string recipe_key(std::string_view recipe, std::string_view code) {
  Hasher hasher;
  hasher.update(recipe);
  hasher.update("\n");
  hasher.update(code);
  return hasher.hex();
}

}  // namespace qb::bundle
