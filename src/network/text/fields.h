// The fields of a tokenizer's file: each is followed, or refused by its name.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace qb::text {

// A field that is followed, and what it has to be. null always stands for its absence.
struct Field {
  std::string_view name;
  bool (Json::*is_kind)() const = nullptr;  // null: whatever it is
  std::string_view kind;
};
constexpr Field anything(std::string_view name) { return {name}; }
constexpr Field flag(std::string_view name) { return {name, &Json::is_bool, "true or false"}; }
constexpr Field string(std::string_view name) { return {name, &Json::is_string, "a text"}; }
constexpr Field integer(std::string_view name) { return {name, &Json::is_int, "an integer"}; }
constexpr Field list(std::string_view name) { return {name, &Json::is_array, "a list"}; }
constexpr Field table(std::string_view name) { return {name, &Json::is_object, "an object"}; }

// As good as absent: null, false, "" or 0.
bool is_neutral(const Json& value);

// A value in an error's words, which stay short.
std::string shown(const Json& value);

// Errors: no object; a field that isn't what it has to be; one that isn't of `known` and isn't
// neutral either, since it may change the ids.
Result<void> check_fields(const Json& object, std::string_view what, std::span<const Field> known);

// Error: one of these fields is not neutral: what it asks for isn't followed.
Result<void> refuse_fields(const Json& object, std::string_view what,
                           std::initializer_list<std::string_view> fields);

// A field that is one character. Error: it is no text of one character.
Result<std::string> get_character(const Json& object, std::string_view field);

// One kind of step: its name in the file, its fields, and what makes it.
template <typename Made>
struct KindRow {
  std::string_view type;
  std::vector<Field> fields;
  Result<Made> (*make)(const Json& object);
};

// Appends the steps that an object stands for: none for null, those within for a Sequence (in the
// field `inner_list`), else the one that its row makes.
template <typename Made>
Result<void> add_steps(const Json& object, std::string_view what, std::string_view inner_list,
                       std::span<const KindRow<Made>> rows, std::vector<Made>& steps) {
  if (object.is_null()) return {};
  const std::string& type = object["type"].as_string();
  if (type == "Sequence") {
    const Field known[] = {string("type"), list(inner_list)};
    QB_CHECK(check_fields(object, fmt::format("{} Sequence: ", what), known));
    for (const Json& inner : object[inner_list].as_array())
      QB_CHECK(add_steps(inner, what, inner_list, rows, steps));
    return {};
  }
  for (const KindRow<Made>& row : rows) {
    if (row.type != type) continue;
    std::vector<Field> known = row.fields;
    known.push_back(string("type"));
    QB_CHECK(check_fields(object, fmt::format("{} {}: ", what, type), known));
    auto made = with_context(row.make(object), fmt::format("{} {}", what, type));
    if (!made) return tl::unexpected(std::move(made).error());
    steps.push_back(*std::move(made));
    return {};
  }
  return fail(Errc::unsupported, "{} {} is not supported", what,
              shown(object["type"].is_string() ? object["type"] : object));
}

}  // namespace qb::text
