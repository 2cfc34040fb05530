#include "measurement/prepare/adapter.h"

#include <algorithm>
#include <set>

#include "base/parallel.h"
#include "compression/bundle/layout.h"
#include "network/ir/canonical.h"

namespace qb::prepare {
namespace {

using ir::Op;
using ir::Value;
using weights::LowRank;

// "a.b" of "a.b.weight".
std::string linear_of(std::string_view weight) {
  constexpr std::string_view ending = ".weight";
  return std::string(weight.ends_with(ending) ? weight.substr(0, weight.size() - ending.size())
                                              : weight);
}

bool is_read_by_linears(const ir::Graph& graph, Value parameter) {
  return std::ranges::all_of(graph.nodes, [&](const ir::Node& node) {
    return std::ranges::find(node.inputs, parameter) == node.inputs.end() ||
           (node.op == Op::linear && node.inputs[1] == parameter);
  });
}

Result<void> check_fit(const ir::Graph& graph, Value parameter, const std::string& linear,
                       const PlacedAdapter::Branch& branch) {
  const std::vector<int64_t> shape = ir::bind(graph[parameter].shape, {});
  const LowRank& low_rank = *branch.low_rank;
  if (shape.size() != 2 || !is_read_by_linears(graph, parameter))
    return fail(Errc::unsupported, "the adapter is for {}, which is not only a linear", linear);
  if (shape[1] == low_rank.in && branch.first_row + shape[0] <= low_rank.out) return {};
  return fail(Errc::bad_input,
              "the adapter is of another base: for {} it has {} inputs and {} outputs, the weight "
              "is [{}, {}]",
              linear, low_rank.in, low_rank.out, shape[0], shape[1]);
}

// Rows of b for the parameter: [row_count, rank].
std::span<const float> rows_of(const PlacedAdapter::Branch& branch, int64_t row_count) {
  const auto rank = static_cast<size_t>(branch.low_rank->rank);
  return std::span(branch.low_rank->b)
      .subspan(static_cast<size_t>(branch.first_row) * rank, static_cast<size_t>(row_count) * rank);
}

void add_product(const PlacedAdapter::Branch& branch, std::span<float> weight) {
  const LowRank& low_rank = *branch.low_rank;
  const auto in = static_cast<size_t>(low_rank.in);
  const auto rank = static_cast<size_t>(low_rank.rank);
  const auto row_count = static_cast<int64_t>(weight.size() / in);
  const std::span<const float> b = rows_of(branch, row_count);
  parallel_for(row_count, 64, available_threads(), [&](int64_t first, int64_t last) {
    std::vector<float> sum(in);
    for (auto row = static_cast<size_t>(first); row < static_cast<size_t>(last); ++row) {
      std::ranges::fill(sum, 0.0f);
      for (size_t k = 0; k < rank; ++k)
        for (size_t x = 0; x < in; ++x) sum[x] += b[row * rank + k] * low_rank.a[k * in + x];
      for (size_t x = 0; x < in; ++x) weight[row * in + x] += sum[x];
    }
  });
}

Value add_parameter(ir::Graph& graph, std::string name, ir::Shape shape) {
  graph.values.push_back(
      {.name = std::move(name), .kind = ir::ValueKind::parameter, .shape = std::move(shape)});
  return {static_cast<int32_t>(graph.values.size() - 1)};
}

Value add_node_value(ir::Graph& graph, std::string name, ir::Shape shape) {
  graph.values.push_back({.name = std::move(name), .shape = std::move(shape)});
  return {static_cast<int32_t>(graph.values.size() - 1)};
}

// The linear's nodes with a branch; what reads its output reads the sum.
void add_branch(ir::Graph& graph, ir::Node linear, const std::string& weight,
                const LowRank& low_rank, std::vector<ir::Node>& nodes) {
  const Value sum = linear.output;
  const Value x = linear.inputs[0];
  const ir::Shape out_shape = graph[sum].shape;
  ir::Shape low_shape = graph[x].shape;
  low_shape.back() = low_rank.rank;
  const std::string stem = linear_of(weight);
  const Value a =
      add_parameter(graph, stem + std::string(bundle::adapter_down), {low_rank.rank, low_rank.in});
  const Value b = add_parameter(graph, stem + std::string(bundle::adapter_up),
                                {out_shape.back(), low_rank.rank});
  const Value base = add_node_value(graph, stem + ".base", out_shape);
  const Value low = add_node_value(graph, stem + ".low", low_shape);
  const Value delta = add_node_value(graph, stem + ".delta", out_shape);
  linear.output = base;
  nodes.push_back(std::move(linear));
  nodes.push_back({Op::linear, {x, a}, low, {}});
  nodes.push_back({Op::linear, {low, b}, delta, {}});
  nodes.push_back({Op::add, {base, delta}, sum, {}});
}

}  // namespace

Result<PlacedAdapter> place_adapter(weights::Adapter adapter, const models::Model& model,
                                    const std::vector<models::NamedGraph>& networks) {
  PlacedAdapter placed = {.adapter = std::make_shared<const weights::Adapter>(std::move(adapter))};
  std::set<std::string_view> used;
  for (const auto& [name, graph] : networks)
    for (const Value value : graph.of_kind(ir::ValueKind::parameter)) {
      const std::string& parameter = graph[value].name;
      const auto origin = model.origins.find(parameter);
      const bool has_origin = origin != model.origins.end();
      const std::string& tensor = has_origin ? origin->second.tensor : parameter;
      const auto found = placed.adapter->branches.find(linear_of(tensor));
      if (found == placed.adapter->branches.end() || !tensor.ends_with(".weight")) continue;
      const PlacedAdapter::Branch branch = {&found->second,
                                            has_origin ? origin->second.first_row : 0};
      QB_CHECK(check_fit(graph, value, found->first, branch));
      placed.branches.emplace(parameter, branch);
      used.insert(found->first);
    }
  for (const auto& [linear, branch] : placed.adapter->branches)
    if (!used.contains(linear))
      return fail(Errc::bad_input, "the adapter is of another base: {} has no linear {}",
                  model.name, linear);
  return placed;
}

bundle::ParameterSource fused_source(PlacedAdapter adapter, bundle::ParameterSource base) {
  return [adapter = std::move(adapter), base = std::move(base)](
             const ir::ValueInfo& info, std::span<float> out) -> Result<void> {
    QB_CHECK(base(info, out));
    if (const auto branch = adapter.branches.find(info.name); branch != adapter.branches.end())
      add_product(branch->second, out);
    return {};
  };
}

Result<ir::Graph> with_branches(const ir::Graph& graph, const PlacedAdapter& adapter) {
  ir::Graph branched = graph;
  branched.nodes.clear();
  for (const ir::Node& node : graph.nodes) {
    const std::string weight = node.op == Op::linear ? graph[node.inputs[1]].name : "";
    const auto branch = adapter.branches.find(weight);
    if (branch == adapter.branches.end())
      branched.nodes.push_back(node);
    else
      add_branch(branched, node, weight, *branch->second.low_rank, branched.nodes);
  }
  branched = ir::in_canonical_order(branched);
  QB_CHECK(ir::verify(branched));
  return branched;
}

bundle::ParameterSource branched_source(PlacedAdapter adapter, bundle::ParameterSource base) {
  return [adapter = std::move(adapter), base = std::move(base)](
             const ir::ValueInfo& info, std::span<float> out) -> Result<void> {
    const bool is_down = info.name.ends_with(bundle::adapter_down);
    if (!is_down && !info.name.ends_with(bundle::adapter_up)) return base(info, out);
    const std::string_view ending = is_down ? bundle::adapter_down : bundle::adapter_up;
    const std::string weight = info.name.substr(0, info.name.size() - ending.size()) + ".weight";
    const PlacedAdapter::Branch& branch = adapter.branches.find(weight)->second;
    std::ranges::copy(
        is_down ? std::span(branch.low_rank->a) : rows_of(branch, info.shape[0].extent),
        out.begin());
    return {};
  };
}

}  // namespace qb::prepare
