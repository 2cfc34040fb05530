// A model's config.json, as the Hugging Face hub has them. Keeps the first error, so that a reader
// of an architecture is a list of its fields, with no checks between them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace qb::models {

class Config {
 public:
  explicit Config(const Json& json) : json_(json) {}

  // An extent: from 1 to 16,777,216. Absent or null is an error, or `otherwise`.
  int64_t size(std::string_view key, std::optional<int64_t> otherwise = {});
  // A number above 0.
  double positive(std::string_view key, std::optional<double> otherwise = {});
  bool flag(std::string_view key, bool otherwise);
  std::string text(std::string_view key, std::string_view otherwise);
  // null where it is absent.
  const Json& operator[](std::string_view key) const { return json_[key]; }
  bool contains(std::string_view key) const { return json_.contains(key); }

  // A field that is followed at this value only, which an absent one has.
  void expect(std::string_view key, const Json& value);
  void fail_with(Error error);

  // The first error.
  Result<void> check() const;

 private:
  const Json& json_;
  std::optional<Error> error_;
};

}  // namespace qb::models
