// What two sides differ in besides what they measured.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "results/comparison/pairs.h"

namespace qb::comparison {

struct Difference {
  std::string_view aspect;  // "machine", "system", "versions", "workers", "weights", "bundle", …
  std::string text;         // "cpu: AMD EPYC before, Apple M3 now"
};

// In the order of the aspects; each said once, whatever the number of cases it holds for.
std::vector<Difference> find_differences(const report::Document& before,
                                         const report::Document& after, const Pairs& pairs);

// Whether nothing that is recorded of the machines of two runs' hosts differs.
bool is_same_machine(const Json& before, const Json& after);

// The aspects that make a comparison one of something else, unless the user wants just that:
// "machine", "versions", "weights", "bundle", "data".
const std::vector<std::string_view>& decisive_aspects();

bool differ_in(const std::vector<Difference>& differences, std::string_view aspect);

// Whether the two records come from different builds: of the worker, its framework or its bundle.
bool are_other_builds(const Pair& pair);

}  // namespace qb::comparison
