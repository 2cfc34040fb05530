// Shapes with fixed and symbolic dimensions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace qb::ir {

// What a dimension is called while its extent is not known: it is bound when a case runs.
enum class Symbol : uint8_t {
  none,      // the extent is fixed
  batch,     // independent sequences or pictures
  sequence,  // tokens fed in one step
  selected,  // positions whose logits are wanted
  context,   // capacity of a KV cache, in tokens
};

std::string_view name_of(Symbol symbol);
Result<Symbol> parse_symbol(std::string_view name);

struct Dim {
  int64_t extent = 0;  // meaningful when symbol is none
  Symbol symbol = Symbol::none;

  Dim() = default;
  Dim(int64_t fixed_extent) : extent(fixed_extent) {}
  Dim(Symbol unknown) : symbol(unknown) {}
  bool is_fixed() const { return symbol == Symbol::none; }
  friend bool operator==(const Dim&, const Dim&) = default;
};

using Shape = std::vector<Dim>;

std::string to_string(const Dim& dim);
std::string to_string(const Shape& shape);  // "[batch, sequence, 576]"

// The extents symbols are bound to in one compilation or step.
struct Extents {
  int64_t batch = 1;
  int64_t sequence = 1;
  int64_t selected = 1;
  int64_t context = 0;
};

// The shape with every symbol replaced.
std::vector<int64_t> bind(const Shape& shape, const Extents& extents);

// Product of fixed extents; the shape must have no symbol.
int64_t element_count(const Shape& shape);

}  // namespace qb::ir
