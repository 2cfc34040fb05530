#include "measurement/prepare/input_order.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "network/ir/canonical.h"

namespace qb::prepare {
namespace {

using ir::Op;
using ir::Value;

bool have_one_size(const weights::Coding& coding) {
  std::vector<int64_t> sizes(static_cast<size_t>(coding.group_count));
  for (const int32_t group : coding.group_of_column) ++sizes[static_cast<size_t>(group)];
  return std::ranges::all_of(sizes, [&](int64_t size) { return size == sizes[0]; });
}

// Puts nodes that reorder before the linears whose weights have an order.
class Ordering {
 public:
  Ordering(const ir::Graph& from, const InputOrders& orders) : orders_(orders), graph_(from) {
    graph_.nodes.clear();
    for (ir::Node node : from.nodes) {
      if (const auto* order = order_for(node)) node.inputs[0] = reordered(node.inputs[0], *order);
      graph_.nodes.push_back(std::move(node));
    }
  }

  Result<ir::Graph> graph() const {
    ir::Graph ordered = ir::in_canonical_order(graph_);
    QB_CHECK(ir::verify(ordered));
    return ordered;
  }

 private:
  const std::vector<int64_t>* order_for(const ir::Node& node) const {
    if (node.op != Op::linear) return nullptr;
    const auto found = orders_.find(graph_[node.inputs[1]].name);
    return found == orders_.end() ? nullptr : &found->second;
  }

  Value reordered(Value x, const std::vector<int64_t>& order) {
    const auto known = known_.find({x.index, order});
    if (known != known_.end()) return known->second;
    graph_.values.push_back(
        {.name = fmt::format("reordered_{}", known_.size()), .shape = graph_[x].shape});
    const Value output = {static_cast<int32_t>(graph_.values.size() - 1)};
    graph_.nodes.push_back({Op::reorder, {x}, output, {{"order", order}}});
    known_[{x.index, order}] = output;
    return output;
  }

  const InputOrders& orders_;
  ir::Graph graph_;
  std::map<std::pair<int32_t, std::vector<int64_t>>, Value> known_;
};

Result<void> check_readers(const ir::Graph& graph, const InputOrders& orders) {
  for (const ir::Node& node : graph.nodes)
    for (size_t i = 0; i < node.inputs.size(); ++i)
      if (orders.contains(graph[node.inputs[i]].name) && (node.op != Op::linear || i != 1))
        return fail(Errc::unsupported, "{} has its inputs in an order (act-order), and {} reads it",
                    graph[node.inputs[i]].name, ir::name_of(node.op));
  return {};
}

bundle::ParameterSource ordered_source(bundle::ParameterSource base, const InputOrders& orders) {
  return [base = std::move(base), orders](const ir::ValueInfo& info,
                                          std::span<float> out) -> Result<void> {
    QB_CHECK(base(info, out));
    const auto found = orders.find(info.name);
    if (found == orders.end()) return {};
    const std::vector<int64_t>& order = found->second;
    std::vector<float> row(order.size());
    for (size_t start = 0; start < out.size(); start += row.size()) {
      std::ranges::copy(out.subspan(start, row.size()), row.begin());
      for (size_t i = 0; i < row.size(); ++i) out[start + i] = row[static_cast<size_t>(order[i])];
    }
    return {};
  };
}

}  // namespace

std::vector<int64_t> input_order(const weights::Coding& coding) {
  const std::vector<int32_t>& groups = coding.group_of_column;
  if (std::ranges::is_sorted(groups) || !have_one_size(coding)) return {};
  std::vector<int64_t> order(groups.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {},
                    [&](int64_t x) { return std::pair(groups[static_cast<size_t>(x)], x); });
  return order;
}

InputOrders input_orders(const Placement& placement) {
  InputOrders orders;
  for (const auto& [parameter, place] : placement) {
    if (!place.tensor->coding) continue;
    std::vector<int64_t> order = input_order(*place.tensor->coding);
    if (!order.empty()) orders.emplace(parameter, std::move(order));
  }
  return orders;
}

Result<compress::Network> with_ordered_inputs(const compress::Network& network,
                                              const InputOrders& orders) {
  if (orders.empty()) return network;
  QB_CHECK(check_readers(network.graph, orders));
  QB_TRY(ir::Graph graph, Ordering(network.graph, orders).graph());
  return compress::Network{std::move(graph), ordered_source(network.source, orders)};
}

}  // namespace qb::prepare
