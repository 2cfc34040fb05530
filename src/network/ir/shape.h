// Shapes with fixed and symbolic dimensions.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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
  source,    // tokens that others attend to: of the prompt that a picture is made for, say
  height,    // of a picture
  width,
};
inline constexpr size_t symbol_count = static_cast<size_t>(Symbol::width) + 1;

struct SymbolRow {
  Symbol symbol = Symbol::none;
  std::string_view name;  // in files and in what is printed
  // When a network is compiled, for all steps; otherwise each step's inputs tell it.
  bool is_set_at_compilation = false;
  int64_t unbound_extent = 1;
};

// One row a symbol, in the order of Symbol.
std::span<const SymbolRow> symbols();
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
class Extents {
 public:
  Extents();  // every symbol's unbound_extent
  Extents(std::initializer_list<std::pair<Symbol, int64_t>> bound);

  int64_t of(Symbol symbol) const { return extents_[static_cast<size_t>(symbol)]; }
  void set(Symbol symbol, int64_t extent) { extents_[static_cast<size_t>(symbol)] = extent; }

 private:
  std::array<int64_t, symbol_count> extents_ = {};
};

// The shape with every symbol replaced.
std::vector<int64_t> bind(const Shape& shape, const Extents& extents);

// Product of fixed extents; the shape must have no symbol.
int64_t element_count(const Shape& shape);

}  // namespace qb::ir
