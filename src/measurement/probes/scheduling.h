// What a process asks of the scheduler before a framework starts its threads.
#pragma once

#include <string>

namespace qb::probes {

// Asks for the fast cores, for this thread and for every thread that begins after it and doesn't
// choose for itself. macOS: the quality-of-service class user-initiated; threads of the default
// class may be moved to efficiency cores after some minutes. Gives the class that this thread has
// then, or nothing: Linux has no such classes, and nothing is asked there.
std::string ask_for_fast_cores();

}  // namespace qb::probes
