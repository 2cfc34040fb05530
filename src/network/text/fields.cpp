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

Result<void> check_fields(const Json& object, std::string_view what, std::span<const Field> known) {
  if (!object.is_object()) return fail(Errc::bad_input, "{}{} is no object", what, shown(object));
  for (const auto& [name, value] : object.as_object()) {
    const auto field = std::ranges::find(known, name, &Field::name);
    if (field == known.end()) {
      if (is_neutral(value)) continue;
      return fail(Errc::unsupported, "{}{} {} is not supported", what, name, shown(value));
    }
    if (field->is_kind != nullptr && !value.is_null() && !(value.*field->is_kind)())
      return fail(Errc::bad_input, "{}{} {} is not {}", what, name, shown(value), field->kind);
  }
  return {};
}

Result<void> refuse_fields(const Json& object, std::string_view what,
                           std::initializer_list<std::string_view> fields) {
  for (const std::string_view field : fields)
    if (!is_neutral(object[field]))
      return fail(Errc::unsupported, "{}{} {} is not supported", what, field, shown(object[field]));
  return {};
}

Result<std::string> get_character(const Json& object, std::string_view field) {
  const std::string& text = object[field].as_string();
  size_t position = 0;
  if (text.empty() || !next_code_point(text, position) || position != text.size())
    return fail(Errc::bad_input, "{} {} is not one character", field, shown(object[field]));
  return text;
}

}  // namespace qb::text
