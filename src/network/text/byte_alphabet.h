// GPT-2's byte alphabet: a character for each byte, so that tokens of bytes can be written as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace qb::text {

// Each byte as its character.
std::string to_alphabet(std::string_view bytes);

// The bytes that a text of the alphabet stands for; empty when it has another character.
std::optional<std::string> from_alphabet(std::string_view text);

}  // namespace qb::text
