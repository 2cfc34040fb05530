// What an engine lowers: a function an operator, over the engine's own Lowering. An operator that
// has no row is "unsupported", as data.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "network/ir/graph.h"

namespace qb::lowering {

template <typename Lowering>
struct Row {
  ir::Op op;
  Result<void> (*lower)(Lowering&, const ir::Node&);
};

// The rows of each of an engine's files.
template <typename Lowering>
using Table = std::vector<std::span<const Row<Lowering>>>;

// Null: the engine doesn't lower the operator.
template <typename Lowering>
const Row<Lowering>* find_row(const Table<Lowering>& table, ir::Op op) {
  for (const auto& part : table)
    for (const Row<Lowering>& row : part)
      if (row.op == op) return &row;
  return nullptr;
}

template <typename Lowering>
std::vector<std::string> operator_names(const Table<Lowering>& table) {
  std::vector<std::string> names;
  for (const ir::OperatorRow& row : ir::operators())
    if (find_row(table, row.op)) names.emplace_back(row.name);
  return names;
}

// Lowers the nodes in the graph's order; those for which `wants` is false are done already.
// `engine` names it in errors: "MLX's engine". Errors: unsupported, and those of the rows.
template <typename Lowering, typename Wants>
Result<void> lower_nodes(const Table<Lowering>& table, Lowering& l, std::string_view engine,
                         Wants wants) {
  for (const ir::Node& node : l.ir().nodes) {
    if (!wants(node)) continue;
    const Row<Lowering>* row = find_row(table, node.op);
    if (!row)
      return fail(Errc::unsupported, "{} has no lowering for {}", engine, ir::name_of(node.op));
    QB_CHECK(with_context(row->lower(l, node), l.ir()[node.output].name));
  }
  return {};
}

template <typename Lowering>
Result<void> lower_nodes(const Table<Lowering>& table, Lowering& l, std::string_view engine) {
  return lower_nodes(table, l, engine, [](const ir::Node&) { return true; });
}

}  // namespace qb::lowering
