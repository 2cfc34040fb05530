// JSON text to and from qb::Json, by nlohmann-json's SAX interface.
#include "base/json.h"

#include <cassert>
#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_set>

namespace qb {
namespace {

constexpr size_t depth_limit = 128;

// Builds a Json bottom up from the parser's events.
class Builder {
 public:
  bool null() { return add(Json()); }
  bool boolean(bool value) { return add(Json(value)); }
  bool number_integer(int64_t value) { return add(Json(value)); }
  bool number_unsigned(uint64_t value) {
    if (value > static_cast<uint64_t>(INT64_MAX)) return add(Json(static_cast<double>(value)));
    return add(Json(static_cast<int64_t>(value)));
  }
  bool number_float(double value, const std::string&) { return add(Json(value)); }
  bool string(std::string& value) { return add(Json(std::move(value))); }
  bool binary(nlohmann::json::binary_t&) { return false; }
  bool start_object(size_t) { return open(true); }
  bool start_array(size_t) { return open(false); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& value) {
    Level& level = levels_.back();
    if (!level.keys.insert(value).second)
      return refuse(fmt::format("key \"{}\" appears twice", value));
    level.key = std::move(value);
    return true;
  }
  bool parse_error(size_t position, const std::string&, const nlohmann::json::exception& error) {
    return refuse(fmt::format("at byte {}: {}", position, error.what()));
  }

  Json root;
  std::string problem;

 private:
  struct Level {
    bool is_object = false;
    std::string key;
    std::unordered_set<std::string> keys;
    Json::Object members;
    Json::Array items;
  };

  bool refuse(std::string text) {
    if (problem.empty()) problem = std::move(text);
    return false;
  }
  bool open(bool is_object) {
    if (levels_.size() >= depth_limit)
      return refuse(fmt::format("nested deeper than {} levels", depth_limit));
    levels_.push_back({.is_object = is_object});
    return true;
  }
  bool close() {
    Level level = std::move(levels_.back());
    levels_.pop_back();
    return add(level.is_object ? Json(std::move(level.members)) : Json(std::move(level.items)));
  }
  bool add(Json value) {
    if (levels_.empty()) {
      root = std::move(value);
    } else if (Level& level = levels_.back(); level.is_object) {
      level.members.emplace_back(std::move(level.key), std::move(value));
    } else {
      level.items.push_back(std::move(value));
    }
    return true;
  }

  std::vector<Level> levels_;
};

nlohmann::ordered_json to_nlohmann(const Json& value) {
  if (value.is_bool()) return value.as_bool();
  if (value.is_int()) return value.as_int();
  if (value.is_number()) return value.as_double();
  if (value.is_string()) return value.as_string();
  if (value.is_array()) {
    auto array = nlohmann::ordered_json::array();
    for (const Json& item : value.as_array()) array.push_back(to_nlohmann(item));
    return array;
  }
  if (value.is_object()) {
    auto object = nlohmann::ordered_json::object();
    for (const auto& [key, item] : value.as_object()) object.emplace(key, to_nlohmann(item));
    return object;
  }
  return nullptr;
}

const Json null_json;

}  // namespace

bool Json::as_bool(bool otherwise) const {
  const bool* value = std::get_if<bool>(&value_);
  return value ? *value : otherwise;
}

int64_t Json::as_int(int64_t otherwise) const {
  if (const int64_t* value = std::get_if<int64_t>(&value_)) return *value;
  if (const double* value = std::get_if<double>(&value_); value && std::fabs(*value) < 9.2e18)
    return static_cast<int64_t>(*value);
  return otherwise;
}

double Json::as_double(double otherwise) const {
  if (const double* value = std::get_if<double>(&value_)) return *value;
  if (const int64_t* value = std::get_if<int64_t>(&value_)) return static_cast<double>(*value);
  return otherwise;
}

const std::string& Json::as_string() const {
  static const std::string empty;
  const std::string* value = std::get_if<std::string>(&value_);
  return value ? *value : empty;
}

const Json::Array& Json::as_array() const {
  static const Array empty;
  const Array* value = std::get_if<Array>(&value_);
  return value ? *value : empty;
}

const Json::Object& Json::as_object() const {
  static const Object empty;
  const Object* value = std::get_if<Object>(&value_);
  return value ? *value : empty;
}

const Json& Json::operator[](std::string_view key) const {
  for (const auto& [name, value] : as_object())
    if (name == key) return value;
  return null_json;
}

bool Json::contains(std::string_view key) const {
  for (const auto& member : as_object())
    if (member.first == key) return true;
  return false;
}

Json& Json::set(std::string_view key, Json value) {
  if (is_null()) value_ = Object{};
  assert(is_object());
  for (auto& [name, existing] : std::get<Object>(value_)) {
    if (name == key) {
      existing = std::move(value);
      return *this;
    }
  }
  std::get<Object>(value_).emplace_back(std::string(key), std::move(value));
  return *this;
}

Json& Json::push(Json value) {
  if (is_null()) value_ = Array{};
  assert(is_array());
  std::get<Array>(value_).push_back(std::move(value));
  return *this;
}

Result<int64_t> Json::get_int(std::string_view key) const {
  const Json& value = (*this)[key];
  if (!value.is_int()) return fail(Errc::bad_input, "field \"{}\" must be an integer", key);
  return value.as_int();
}

Result<double> Json::get_double(std::string_view key) const {
  const Json& value = (*this)[key];
  if (!value.is_number()) return fail(Errc::bad_input, "field \"{}\" must be a number", key);
  return value.as_double();
}

Result<std::string> Json::get_string(std::string_view key) const {
  const Json& value = (*this)[key];
  if (!value.is_string()) return fail(Errc::bad_input, "field \"{}\" must be a string", key);
  return value.as_string();
}

Result<Json> parse_json(std::string_view text) {
  Builder builder;
  const bool ok = nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  if (!ok) return fail(Errc::bad_input, "invalid JSON {}", builder.problem);
  return std::move(builder.root);
}

std::string dump_json(const Json& value, int indent) {
  return to_nlohmann(value).dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace qb
