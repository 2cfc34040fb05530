#include "network/text/fields.h"

#include <algorithm>

#include "network/text/utf8.h"

namespace qb::text {

bool is_neutral(const Json& value) {
  return value.is_null() || value == Json(false) || value == Json("") || value.as_double(1) == 0;
}

std::string shown(const Json& value) {
  constexpr size_t bytes_max = 120;
  std::string text = dump_json(value);
  if (text.size() <= bytes_max) return text;
  return to_valid_utf8(std::string_view(text).substr(0, bytes_max)) + "...";
}

Result<void> check_fields(const Json& object, std::string_view what,
                          std::span<const std::string_view> known) {
  for (const auto& [name, value] : object.as_object())
    if (std::ranges::find(known, name) == known.end() && !is_neutral(value))
      return fail(Errc::unsupported, "{}{} {} is not supported", what, name, shown(value));
  return {};
}

Result<void> refuse_fields(const Json& object, std::string_view what,
                           std::initializer_list<std::string_view> fields) {
  for (const std::string_view field : fields)
    if (!is_neutral(object[field]))
      return fail(Errc::unsupported, "{}{} {} is not supported", what, field,
                  shown(object[field]));
  return {};
}

Result<char32_t> get_character(const Json& object, std::string_view field) {
  const std::string& text = object[field].as_string();
  size_t position = 0;
  const auto character = text.empty() ? std::nullopt : next_code_point(text, position);
  if (!character || position != text.size())
    return fail(Errc::bad_input, "{} {} is not one character", field, shown(object[field]));
  return *character;
}

}  // namespace qb::text
