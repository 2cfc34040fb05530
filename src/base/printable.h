// Text of unknown origin for a terminal or a page: nothing in it may act on what shows it.
#pragma once

#include <string>
#include <string_view>

namespace qb {

// Control characters (C0, DEL, C1), marks that turn the direction of writing, and bytes that are
// no UTF-8, each as its escape: "\x1b", "\u202e". A line break is one of them.
std::string printable(std::string_view text);

// The same of each line: line breaks stay.
std::string printable_lines(std::string_view text);

}  // namespace qb
