#include "compression/compress/links.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>

namespace qb::compress {
namespace {

using ir::Graph;
using ir::Node;
using ir::Op;
using ir::Value;

// Whether its output's channels are its input's, each scaled alike.
bool passes_channels(const Graph& graph, const Node& node) {
  if (node.op == Op::add) return graph[node.inputs[0]].shape == graph[node.inputs[1]].shape;
  return node.op == Op::global_average_pool || node.op == Op::select_positions;
}

int64_t channels_of(const Graph& graph, Value value) {
  const ir::Shape& shape = graph[value].shape;
  return shape.size() == 4 ? shape[1].extent : shape.back().extent;
}

// Sets of values that must be scaled alike, by union-find.
class Classes {
 public:
  explicit Classes(const Graph& graph) : parents_(graph.values.size()) {
    std::iota(parents_.begin(), parents_.end(), 0);
    for (const Node& node : graph.nodes) {
      if (!passes_channels(graph, node)) continue;
      join(node.output, node.inputs[0]);
      if (node.op == Op::add) join(node.output, node.inputs[1]);
    }
  }
  int32_t of(Value value) const {
    auto index = static_cast<size_t>(value.index);
    while (static_cast<size_t>(parents_[index]) != index)
      index = static_cast<size_t>(parents_[index]);
    return static_cast<int32_t>(index);
  }

 private:
  void join(Value a, Value b) { parents_[static_cast<size_t>(of(a))] = of(b); }
  std::vector<int32_t> parents_;
};

// Builds the link of one class; gives up at the first value that can't be scaled.
class LinkBuilder {
 public:
  LinkBuilder(const Graph& graph, const std::vector<Value>& members)
      : graph_(graph), members_(members) {}

  std::optional<ChannelLink> build() {
    for (const Value member : members_)
      if (!add_producer(member) || !add_consumers(member)) return std::nullopt;
    if (link_.producers.empty() || link_.consumers.empty()) return std::nullopt;
    link_.channel_count = channels_of(graph_, link_.value);
    link_.factor_count =
        link_.head_dim == 0 ? link_.channel_count : link_.channel_count / link_.repeat_of_head;
    return std::move(link_);
  }

 private:
  // Rows of the parameters: each used once, so that nothing else changes.
  bool add_rows(std::span<const Value> parameters) {
    for (const Value parameter : parameters) {
      if (graph_[parameter].kind != ir::ValueKind::parameter || graph_.use_count(parameter) != 1)
        return false;
      link_.producers.push_back({.parameter = parameter});
    }
    return true;
  }

  bool add_producer(Value member) {
    const Node* node = graph_.producer_of(member);
    if (!node) return false;
    const std::span<const Value> inputs(node->inputs);
    switch (node->op) {
      case Op::linear:
      case Op::conv2d:
        return add_rows(inputs.subspan(1));
      case Op::rms_norm:
      case Op::layer_norm:
        return graph_[inputs[0]].shape.back() == graph_[inputs[1]].shape.back() &&
               add_rows(inputs.subspan(1));
      case Op::batch_norm:
        return add_rows(inputs.subspan(1, 2));  // scale and bias
      case Op::multiply:
        return add_factor(*node);
      case Op::cached_attention:
      case Op::attention:
        return add_attended(*node);
      default:
        return passes_channels(graph_, *node);
    }
  }

  // One factor of a product, from a linear that feeds nothing else.
  bool add_factor(const Node& product) {
    if (graph_[product.inputs[0]].shape != graph_[product.inputs[1]].shape) return false;
    for (const Value input : product.inputs) {
      const Node* node = graph_.producer_of(input);
      if (node && node->op == Op::linear && graph_.use_count(input) == 1)
        return add_rows(std::span(node->inputs).subspan(1));
    }
    return false;
  }

  bool add_attended(const Node& attention) {
    const Node* node = graph_.producer_of(attention.inputs[2]);
    if (!node || node->op != Op::linear || graph_.use_count(node->output) != 1 ||
        members_.size() != 1)
      return false;
    const ir::Attributes& a = attention.attributes;
    link_.head_dim = a.integer("head_dim");
    link_.repeat_of_head = a.integer("head_count") / a.integer("kv_head_count");
    return add_rows(std::span(node->inputs).subspan(1));
  }

  bool add_consumers(Value member) {
    if (graph_.is_output(member)) return false;
    for (const Node& node : graph_.nodes) {
      if (std::ranges::find(node.inputs, member) == node.inputs.end()) continue;
      if (passes_channels(graph_, node)) continue;
      if (!add_consumer(node, member)) return false;
    }
    return true;
  }

  bool add_consumer(const Node& node, Value member) {
    const bool is_product = node.op == Op::linear || node.op == Op::conv2d;
    if (!is_product || node.inputs[0] != member || graph_.use_count(node.inputs[1]) != 1)
      return false;
    const ir::Shape& weight = graph_[node.inputs[1]].shape;
    LinkEnd end = {.parameter = node.inputs[1], .is_rows = false};
    if (node.op == Op::conv2d) {
      const int64_t group_count = node.attributes.integer("group_count");
      end.is_rows = group_count > 1;
      // Of grouped convolutions the depthwise ones only: a row for each channel.
      if (end.is_rows && (weight[1].extent != 1 || weight[0].extent != group_count)) return false;
      end.column_repeat = weight[2].extent * weight[3].extent;
    }
    link_.value = member;
    link_.consumers.push_back(end);
    return true;
  }

  const Graph& graph_;
  const std::vector<Value>& members_;
  ChannelLink link_;
};

}  // namespace

std::vector<ChannelLink> find_links(const Graph& graph) {
  const Classes classes(graph);
  std::map<int32_t, std::vector<Value>> members;
  for (const Node& node : graph.nodes) {
    members[classes.of(node.output)].push_back(node.output);
    if (passes_channels(graph, node))
      for (const Value input : node.inputs)
        if (!graph.producer_of(input) && graph[input].type == ElementType::f32)
          members[classes.of(input)].push_back(input);  // a graph input: can't be scaled
  }
  std::vector<ChannelLink> links;
  for (const auto& [root, values] : members)
    if (auto link = LinkBuilder(graph, values).build()) links.push_back(*std::move(link));
  std::ranges::sort(links, {}, [](const ChannelLink& link) { return link.value.index; });
  return links;
}

}  // namespace qb::compress
