// What Unicode says of characters, from utf8proc. Texts are valid UTF-8.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "network/text/utf8.h"

namespace qb::text {

enum class NormalForm { nfc, nfd, nfkc, nfkd };

Result<std::string> to_normal_form(std::string_view text, NormalForm form);

// Of a character alone: no language, and no word around it.
void append_lowercase(std::string& text, char32_t c);

bool is_white_space(char32_t c);  // the property White_Space
bool is_mark(char32_t c);
bool is_nonspacing_mark(char32_t c);
bool is_punctuation(char32_t c);  // ASCII's symbols too
bool is_other(char32_t c);        // controls, formats and private use
bool is_word(char32_t c);         // letters, marks, digits, connectors

// What a reader takes for one character each.
std::vector<std::string_view> graphemes(std::string_view text);

// The text with each character mapped: `map(out, c)` appends what it becomes.
template <typename Map>
std::string map_characters(std::string_view text, Map map) {
  std::string out;
  out.reserve(text.size());
  for (size_t position = 0; position < text.size();) {
    const auto c = next_code_point(text, position);
    if (!c) break;
    map(out, *c);
  }
  return out;
}

}  // namespace qb::text
