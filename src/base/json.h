// A JSON value. Parsing is done by nlohmann-json inside json.cpp; depth is capped at 128 so that a
// hostile file cannot exhaust the stack. Objects keep the order of their keys.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace qb {

class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;

  Json() = default;  // null
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  template <typename T,
            std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>, int> = 0>
  Json(T value) : value_(static_cast<int64_t>(value)) {}
  Json(double value) : value_(value) {}
  Json(float value) : value_(static_cast<double>(value)) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}
  template <typename T>
  static Json array_of(const T& values) {
    Array array;
    for (const auto& value : values) array.emplace_back(value);
    return Json(std::move(array));
  }
  static Json object(std::initializer_list<Member> members) { return Json(Object(members)); }

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_int() const { return std::holds_alternative<int64_t>(value_); }
  bool is_number() const { return is_int() || std::holds_alternative<double>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }

  // The value, or `otherwise` when this is of another kind.
  bool as_bool(bool otherwise = false) const;
  int64_t as_int(int64_t otherwise = 0) const;     // a double is truncated
  double as_double(double otherwise = 0.0) const;  // an integer is converted
  const std::string& as_string() const;            // "" when this is no string
  const Array& as_array() const;                   // empty when this is no array
  const Object& as_object() const;                 // empty when this is no object

  // The member `key`; null when it is absent or this is no object.
  const Json& operator[](std::string_view key) const;
  bool contains(std::string_view key) const;
  // Sets or replaces a member; this must be null or an object.
  Json& set(std::string_view key, Json value);
  // Appends to an array; this must be null or an array.
  Json& push(Json value);

  // The member `key` of that kind, or an error that names it.
  Result<int64_t> get_int(std::string_view key) const;
  Result<double> get_double(std::string_view key) const;
  Result<std::string> get_string(std::string_view key) const;

  friend bool operator==(const Json&, const Json&) = default;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> value_;
};

// Duplicate keys, trailing text and invalid UTF-8 are errors.
Result<Json> parse_json(std::string_view text);

// indent < 0: one line (never contains a newline); NaN and infinities are written as null.
std::string dump_json(const Json& value, int indent = -1);

}  // namespace qb
