// A struct's members as JSON, written and read from one list: `visit(field, value)` calls
// field(name, member) for each of them, in order.
//
//   template <typename Field>
//   void visit(Field& field, Of<Field, Limits>& limits) {
//     field("warmup_count_min", limits.warmup_count_min);
//     …
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace qb {

struct FieldWriter;
struct FieldReader;
// A writer's struct is const.
template <typename Field, typename T>
using Of = std::conditional_t<std::is_same_v<Field, FieldWriter>, const T, T>;

template <typename T>
Json fields_to_json(const T& value);
template <typename T>
Result<void> read_fields_into(const Json& json, T& value);

// Members may be booleans, numbers, strings, structs that have a visit(), types that have to_json()
// and from_json(), and optionals and vectors of these.
struct FieldWriter {
  Json json = Json::object({});

  template <typename T>
  void operator()(std::string_view name, const T& value) {
    if constexpr (requires { value.has_value(); }) {
      if (value) json.set(name, to_value(*value));
    } else {
      json.set(name, to_value(value));
    }
  }

 private:
  template <typename T>
  static Json to_value(const T& value) {
    if constexpr (requires { Json(value); }) {
      return Json(value);
    } else if constexpr (requires { to_json(value); }) {
      return to_json(value);
    } else if constexpr (requires { value.begin(); }) {
      Json::Array items;
      for (const auto& item : value) items.push_back(to_value(item));
      return Json(std::move(items));
    } else {
      return fields_to_json(value);
    }
  }
};

// A member that the JSON lacks stays as it is; one of another kind is an error that names it, and
// so is one that the struct lacks.
struct FieldReader {
  const Json& json;
  Result<void> status = {};
  std::vector<std::string_view> known = {};

  template <typename T>
  void operator()(std::string_view name, T& value) {
    known.push_back(name);
    const Json& found = json[name];
    if (!status || found.is_null()) return;
    if (Result<void> done = from_value(found, value); !done)
      status = fail(done.error().code, "field \"{}\"{}{}", name,
                    done.error().message.starts_with("must") ? " " : ": ", done.error().message);
  }

 private:
  template <typename T>
  static Result<void> from_value(const Json& found, T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      if (!found.is_bool()) return fail(Errc::bad_input, "must be true or false");
      value = found.as_bool();
    } else if constexpr (std::is_integral_v<T>) {
      if (!found.is_int()) return fail(Errc::bad_input, "must be a whole number");
      value = static_cast<T>(found.as_int());
    } else if constexpr (std::is_floating_point_v<T>) {
      if (!found.is_number()) return fail(Errc::bad_input, "must be a number");
      value = found.as_double();
    } else if constexpr (std::is_same_v<T, std::string>) {
      if (!found.is_string()) return fail(Errc::bad_input, "must be a string");
      value = found.as_string();
    } else if constexpr (requires { from_json(found, value); }) {
      return from_json(found, value);
    } else if constexpr (requires { value.has_value(); }) {
      return from_value(found, value.emplace());
    } else if constexpr (requires { value.emplace_back(); }) {
      if (!found.is_array()) return fail(Errc::bad_input, "must be a list");
      for (const Json& item : found.as_array()) QB_CHECK(from_value(item, value.emplace_back()));
    } else {
      return read_fields_into(found, value);
    }
    return {};
  }
};

template <typename T>
Json fields_to_json(const T& value) {
  FieldWriter writer;
  visit(writer, value);
  return std::move(writer.json);
}

// Errors name the field.
template <typename T>
Result<void> read_fields_into(const Json& json, T& value) {
  if (!json.is_object()) return fail(Errc::bad_input, "must be an object");
  FieldReader reader = {json};
  visit(reader, value);
  QB_CHECK(reader.status);
  for (const auto& [name, member] : json.as_object())
    if (std::ranges::find(reader.known, name) == reader.known.end())
      return fail(Errc::bad_input, "unknown field \"{}\"", name);
  return {};
}

}  // namespace qb
