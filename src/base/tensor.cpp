#include "base/tensor.h"

#include <iterator>

namespace qb {
namespace {

struct TypeRow {
  ElementType type;
  std::string_view name;
  size_t size_bytes;
  bool is_floating;
};

constexpr TypeRow rows[] = {
    {ElementType::f32, "f32", 4, true},   {ElementType::i64, "i64", 8, false},
    {ElementType::f64, "f64", 8, true},   {ElementType::f16, "f16", 2, true},
    {ElementType::bf16, "bf16", 2, true}, {ElementType::i32, "i32", 4, false},
    {ElementType::i16, "i16", 2, false},  {ElementType::i8, "i8", 1, false},
    {ElementType::u8, "u8", 1, false},    {ElementType::boolean, "bool", 1, false}};

static_assert(
    [] {
      for (size_t i = 0; i < std::size(rows); ++i)
        if (rows[i].type != static_cast<ElementType>(i)) return false;
      return rows[std::size(rows) - 1].type == ElementType::boolean;
    }(),
    "a row a type, in their order");

const TypeRow& row_of(ElementType type) { return rows[static_cast<size_t>(type)]; }

}  // namespace

std::string_view name_of(ElementType type) { return row_of(type).name; }
size_t bytes_of(ElementType type) { return row_of(type).size_bytes; }
bool is_floating(ElementType type) { return row_of(type).is_floating; }

std::optional<ElementType> find_element_type(std::string_view name) {
  for (const TypeRow& row : rows)
    if (row.name == name) return row.type;
  return std::nullopt;
}

}  // namespace qb
