#include "network/ir/shape.h"

#include <cassert>

namespace qb::ir {
namespace {

constexpr SymbolRow rows[symbol_count] = {
    {.symbol = Symbol::none, .name = "none"},
    {.symbol = Symbol::batch, .name = "batch", .is_set_at_compilation = true},
    {.symbol = Symbol::sequence, .name = "sequence"},
    {.symbol = Symbol::selected, .name = "selected"},
    {.symbol = Symbol::context,
     .name = "context",
     .is_set_at_compilation = true,
     .unbound_extent = 0},
    {.symbol = Symbol::source, .name = "source"},
    {.symbol = Symbol::height, .name = "height"},
    {.symbol = Symbol::width, .name = "width"},
};

static_assert(
    [] {
      for (size_t i = 0; i < symbol_count; ++i)
        if (static_cast<size_t>(rows[i].symbol) != i || rows[i].name.empty()) return false;
      return true;
    }(),
    "the rows stand in the order of Symbol, one for each");

}  // namespace

std::span<const SymbolRow> symbols() { return rows; }

std::string_view name_of(Symbol symbol) { return rows[static_cast<size_t>(symbol)].name; }

Result<Symbol> parse_symbol(std::string_view name) {
  for (const SymbolRow& row : rows)
    if (row.name == name) return row.symbol;
  return fail(Errc::invalid_graph, "unknown dimension \"{}\"", name);
}

Extents::Extents() {
  for (const SymbolRow& row : rows) set(row.symbol, row.unbound_extent);
}

Extents::Extents(std::initializer_list<std::pair<Symbol, int64_t>> bound) : Extents() {
  for (const auto& [symbol, extent] : bound) set(symbol, extent);
}

std::string to_string(const Dim& dim) {
  return dim.is_fixed() ? std::to_string(dim.extent) : std::string(name_of(dim.symbol));
}

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (const Dim& dim : shape) {
    if (text.size() > 1) text += ", ";
    text += to_string(dim);
  }
  return text + "]";
}

std::vector<int64_t> bind(const Shape& shape, const Extents& extents) {
  std::vector<int64_t> bound;
  bound.reserve(shape.size());
  for (const Dim& dim : shape)
    bound.push_back(dim.is_fixed() ? dim.extent : extents.of(dim.symbol));
  return bound;
}

int64_t element_count(const Shape& shape) {
  int64_t count = 1;
  for (const Dim& dim : shape) {
    assert(dim.is_fixed());
    count *= dim.extent;
  }
  return count;
}

}  // namespace qb::ir
