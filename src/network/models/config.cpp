#include "network/models/config.h"

namespace qb::models {

int64_t Config::size(std::string_view key, std::optional<int64_t> otherwise) {
  constexpr int64_t size_max = 1 << 24;
  const Json& value = json_[key];
  if (value.is_null() && otherwise) return *otherwise;
  const int64_t size = value.as_int();
  if (value.is_int() && size >= 1 && size <= size_max) return size;
  fail_with({Errc::bad_input, value.is_null()
                                  ? fmt::format("{} is missing", key)
                                  : fmt::format("{} is {}, wanted is a whole number from 1 to {}",
                                                key, dump_json(value), size_max)});
  return 1;
}

double Config::positive(std::string_view key, std::optional<double> otherwise) {
  const Json& value = json_[key];
  if (value.is_null() && otherwise) return *otherwise;
  if (value.is_number() && value.as_double() > 0.0) return value.as_double();
  fail_with({Errc::bad_input, value.is_null() ? fmt::format("{} is missing", key)
                                              : fmt::format("{} is {}, wanted is a number above 0",
                                                            key, dump_json(value))});
  return 1.0;
}

bool Config::flag(std::string_view key, bool otherwise) {
  const Json& value = json_[key];
  if (!value.is_null() && !value.is_bool())
    fail_with(
        {Errc::bad_input, fmt::format("{} is {}, wanted is true or false", key, dump_json(value))});
  return value.as_bool(otherwise);
}

std::string Config::text(std::string_view key, std::string_view otherwise) {
  const Json& value = json_[key];
  if (!value.is_null() && !value.is_string())
    fail_with({Errc::bad_input, fmt::format("{} is {}, wanted is a text", key, dump_json(value))});
  return value.is_string() ? value.as_string() : std::string(otherwise);
}

void Config::expect(std::string_view key, const Json& value) {
  const Json& found = json_[key];
  if (found.is_null() || found == value) return;
  fail_with({Errc::unsupported,
             fmt::format("{} is {}, which would change the network and is not followed; {} is", key,
                         dump_json(found), dump_json(value))});
}

void Config::fail_with(Error error) {
  if (!error_) error_ = std::move(error);
}

Result<void> Config::check() const {
  if (error_) return tl::unexpected(*error_);
  return {};
}

}  // namespace qb::models
