// A running text cut into its sentences.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace qb::prepare {

// Sentences of 40 to 300 bytes, in order: of each paragraph, whose lines are joined, what lies
// between one end of a sentence and the next. One ends with a word of three letters and more, a
// full stop, question or exclamation mark, and a capital letter after a space; what a page breaks
// is left out, and so are lines that begin with #.
std::vector<std::string> cut_sentences(std::string_view text);

}  // namespace qb::prepare
