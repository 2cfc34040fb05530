#include "network/ir/attributes.h"

#include <algorithm>

namespace qb::ir {

const Attribute* Attributes::find(std::string_view name) const {
  const auto found = std::ranges::find(
      items_, name, [](const auto& item) { return std::string_view(item.first); });
  return found == items_.end() ? nullptr : &found->second;
}

void Attributes::set(std::string name, Attribute value) {
  items_.emplace_back(std::move(name), std::move(value));
}

int64_t Attributes::integer(std::string_view name) const {
  const Attribute* attribute = find(name);
  const int64_t* value = attribute ? std::get_if<int64_t>(attribute) : nullptr;
  return value ? *value : 0;
}

double Attributes::real(std::string_view name) const {
  const Attribute* attribute = find(name);
  const double* value = attribute ? std::get_if<double>(attribute) : nullptr;
  return value ? *value : 0.0;
}

std::span<const int64_t> Attributes::integers(std::string_view name) const {
  const Attribute* attribute = find(name);
  const auto* value = attribute ? std::get_if<std::vector<int64_t>>(attribute) : nullptr;
  return value ? std::span<const int64_t>(*value) : std::span<const int64_t>();
}

std::span<const double> Attributes::reals(std::string_view name) const {
  const Attribute* attribute = find(name);
  const auto* value = attribute ? std::get_if<std::vector<double>>(attribute) : nullptr;
  return value ? std::span<const double>(*value) : std::span<const double>();
}

}  // namespace qb::ir
