// Numbers in text, in the C locale: no blanks, no plus sign.
#pragma once

#include <concepts>
#include <optional>
#include <string_view>

namespace qb {

// The number that `text` begins with, which is taken off it; empty, and `text` as it was, when it
// begins with none or with one that the type can't hold.
template <typename Number>
  requires std::integral<Number> || std::same_as<Number, double>
std::optional<Number> take_number(std::string_view& text);

// The number that all of `text` is.
template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  const auto number = take_number<Number>(text);
  return text.empty() ? number : std::nullopt;
}

// "3 %" or "3%" as 0.03; empty for anything else.
std::optional<double> parse_percent(std::string_view text);

}  // namespace qb
