// What of a framework's error a reader is shown: one line. All of it stands in the launch's log.
#pragma once

#include <string>
#include <string_view>

namespace qb::wire {

// The line that says what is wrong in a framework's words: what follows the stack of a program of
// its own, or else the first line that isn't empty; of a very long one its first sentence. What is
// left out goes to standard error with the rest.
std::string framework_reason(std::string_view text);

// Of words that may be ours, and long: the first line that isn't empty, in which nothing acts on a
// terminal. Where that leaves something out, the whole text goes to standard error.
std::string first_line(std::string_view text);

}  // namespace qb::wire
