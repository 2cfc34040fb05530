// What this machine's processor can do, for programs that were compiled for one.
#pragma once

#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace qb {

// The names of its instruction sets as Linux gives them ("avx2", "asimddp"); empty: not told.
std::set<std::string, std::less<>> processor_instructions();

// What the modules that are compiled for the machine that builds them (qb_native) need; none where
// nothing is.
std::span<const std::string_view> needed_instructions();

// Error: those of `needed` that the processor lacks, and what to do. Without it such a program ends
// by SIGILL somewhere on its way.
Result<void> check_processor(
    std::span<const std::string_view> needed = needed_instructions(),
    const std::set<std::string, std::less<>>& known = processor_instructions());

}  // namespace qb
