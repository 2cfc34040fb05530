// Ctrl-C: the first ends the work and leaves all in order, the second ends the program.
#pragma once

#include <atomic>

namespace qb::cli {

// From here on SIGINT and SIGTERM set the flag.
void watch_interruption();
const std::atomic<bool>& interruption();

}  // namespace qb::cli
