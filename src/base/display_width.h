// How many columns of a terminal a text takes, and texts cut to fit them.
#pragma once

#include <string>
#include <string_view>

namespace qb {

// Of UTF-8 text: East Asian wide characters and emoji take two columns, combining marks and other
// control characters none, and so do escape sequences as of colours ("\x1b[1m"). A byte that is no
// UTF-8 takes one.
size_t display_width(std::string_view text);

// The longest beginning that takes at most `column_count` columns; cut between characters.
std::string clipped(std::string_view text, size_t column_count);

// As long as it fits; else its beginning and its end, with "…" between them.
std::string shortened(std::string_view text, size_t column_count);

// Lines of at most `column_count` columns, broken at spaces; every line but the first begins with
// `indent` spaces. A word that fits no line stays whole.
std::string wrapped(std::string_view text, size_t column_count, size_t indent);

}  // namespace qb
