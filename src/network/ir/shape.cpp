#include "network/ir/shape.h"

#include <cassert>

namespace qb::ir {
namespace {

constexpr Symbol symbols[] = {Symbol::none, Symbol::batch, Symbol::sequence, Symbol::selected,
                              Symbol::context};

}  // namespace

std::string_view name_of(Symbol symbol) {
  switch (symbol) {
    case Symbol::none:
      return "none";
    case Symbol::batch:
      return "batch";
    case Symbol::sequence:
      return "sequence";
    case Symbol::selected:
      return "selected";
    case Symbol::context:
      return "context";
  }
  return "none";
}

Result<Symbol> parse_symbol(std::string_view name) {
  for (const Symbol symbol : symbols)
    if (name_of(symbol) == name) return symbol;
  return fail(Errc::invalid_graph, "unknown dimension \"{}\"", name);
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
  for (const Dim& dim : shape) {
    switch (dim.symbol) {
      case Symbol::none:
        bound.push_back(dim.extent);
        break;
      case Symbol::batch:
        bound.push_back(extents.batch);
        break;
      case Symbol::sequence:
        bound.push_back(extents.sequence);
        break;
      case Symbol::selected:
        bound.push_back(extents.selected);
        break;
      case Symbol::context:
        bound.push_back(extents.context);
        break;
    }
  }
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
