#include "base/number.h"

#include <fast_float/fast_float.h>

#include <charconv>
#include <cstdint>

namespace qb {

template <typename Number>
  requires std::integral<Number> || std::same_as<Number, double>
std::optional<Number> take_number(std::string_view& text) {
  Number number = {};
  const char* start = text.data();
  const char* stop = start + text.size();
  const auto parse = [&] {
    // libc++ has it for integers only, up to macOS 26.
    if constexpr (std::integral<Number>)
      return std::from_chars(start, stop, number);
    else
      return fast_float::from_chars(start, stop, number);
  };
  const auto [end, error] = parse();
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - start));
  return number;
}

template std::optional<int> take_number(std::string_view&);
template std::optional<int64_t> take_number(std::string_view&);
template std::optional<size_t> take_number(std::string_view&);
template std::optional<double> take_number(std::string_view&);

std::optional<double> parse_percent(std::string_view text) {
  const auto number = take_number<double>(text);
  if (!number || (text != "%" && text != " %")) return std::nullopt;
  return *number / 100.0;
}

}  // namespace qb
