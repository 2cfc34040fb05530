// What flows through an ML Program: typed arrays of fixed shapes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qb::coreml {

enum class Type : uint8_t {
  boolean,
  text,
  f16,
  f32,
  i32,
  u32,
  i8,
  u8,
  i4,
  u4,
  u1,
  u2,
  u3,
  u6,
  end
};

struct TypeRow {
  Type type;
  uint32_t bits = 0;  // of an element in memory
  int32_t mil = 0;    // CoreML.Specification.MILSpec.DataType
  uint32_t blob = 0;  // in weight.bin
};

inline constexpr TypeRow type_rows[] = {
    {Type::boolean, 8, 1, 0}, {Type::text, 0, 2, 0},   {Type::f16, 16, 10, 1},
    {Type::f32, 32, 11, 2},   {Type::i32, 32, 23, 14}, {Type::u32, 32, 33, 15},
    {Type::i8, 8, 21, 4},     {Type::u8, 8, 31, 3},    {Type::i4, 4, 25, 8},
    {Type::u4, 4, 35, 11},    {Type::u1, 1, 37, 9},    {Type::u2, 2, 36, 10},
    {Type::u3, 3, 39, 12},    {Type::u6, 6, 38, 13},
};
static_assert(
    [] {
      for (size_t i = 0; i < std::size(type_rows); ++i)
        if (static_cast<size_t>(type_rows[i].type) != i) return false;
      return std::size(type_rows) == static_cast<size_t>(Type::end);
    }(),
    "the rows stand in the order of Type, one for each");

constexpr const TypeRow& row_of(Type type) { return type_rows[static_cast<size_t>(type)]; }

using Shape = std::vector<int64_t>;
int64_t element_count(const Shape& shape);
// As numpy broadcasts; they must fit.
Shape broadcast(const Shape& a, const Shape& b);

// A value of a function, by its name.
struct Value {
  std::string name;
  Type type = Type::f32;
  Shape shape;
};

// A constant: its elements as they lie in memory, or a place in weight.bin.
struct Constant {
  Type type = Type::f32;
  Shape shape = {};
  std::vector<std::byte> bytes = {};
  std::string text = {};  // of Type::text
  bool is_blob = false;
  uint64_t offset = 0;
};

Constant text(std::string_view text);
Constant boolean(bool value);
Constant booleans(std::span<const uint8_t> values);
Constant integer(int64_t value);                     // i32, a scalar
Constant integers(std::span<const int64_t> values);  // i32, a vector
Constant real(Type type, double value);              // f16 or f32, a scalar
Constant reals(Type type, const Shape& shape, std::span<const float> values);

}  // namespace qb::coreml
