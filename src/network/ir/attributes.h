// Named attributes of a node: numbers and lists of numbers.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace qb::ir {

using Attribute = std::variant<int64_t, double, std::vector<int64_t>, std::vector<double>>;

// Named attributes in the order of the operator's row.
class Attributes {
 public:
  Attributes() = default;
  Attributes(std::initializer_list<std::pair<std::string, Attribute>> items) : items_(items) {}

  // The row guarantees presence of what isn't optional once a graph is verified; absent gives 0 or
  // empty.
  int64_t integer(std::string_view name) const;
  double real(std::string_view name) const;
  std::span<const int64_t> integers(std::string_view name) const;
  std::span<const double> reals(std::string_view name) const;
  const Attribute* find(std::string_view name) const;
  void set(std::string name, Attribute value);
  std::span<const std::pair<std::string, Attribute>> items() const { return items_; }

 private:
  std::vector<std::pair<std::string, Attribute>> items_;
};

// Element kind an attribute must have.
enum class AttributeKind : uint8_t { integer, real, integers, reals };

struct AttributeRow {
  std::string_view name;
  AttributeKind kind = AttributeKind::integer;
  bool is_optional = false;  // absent is 0 or empty, whose meaning the row tells
};

}  // namespace qb::ir
