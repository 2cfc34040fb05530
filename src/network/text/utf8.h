// UTF-8, as far as tokenizers need it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace qb::text {

// The code point at `position`, which moves past it; empty where the bytes are no UTF-8 (overlong
// forms, surrogates and values above U+10FFFF included).
std::optional<char32_t> next_code_point(std::string_view text, size_t& position);

void append_utf8(std::string& text, char32_t code_point);

// Offset of the first byte that is no UTF-8; empty when all is well.
std::optional<size_t> find_invalid_utf8(std::string_view text);

// The text with each run of bytes that is no UTF-8 as U+FFFD, cut as Unicode recommends (maximal
// subparts).
std::string to_valid_utf8(std::string_view bytes);

}  // namespace qb::text
