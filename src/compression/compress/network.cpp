#include "compression/compress/network.h"

#include <algorithm>
#include <cassert>
#include <memory>
#include <set>

#include "network/ir/batch_norm.h"

namespace qb::compress {
namespace {

// A batch norm that its convolution takes over.
struct Fold {
  std::string weight, bias;  // of the folded convolution
  bool had_bias = false;
  ir::ValueInfo scale, shift, mean, variance;
  ir::ValueInfo old_bias;
  double epsilon = 0.0;
};

// The convolution whose only reader is `norm`, when it may take it over.
const ir::Node* foldable(const ir::Graph& graph, const ir::Node& norm) {
  if (norm.op != ir::Op::batch_norm) return nullptr;
  const ir::Node* conv = graph.producer_of(norm.inputs[0]);
  const bool folds = conv && conv->op == ir::Op::conv2d && graph.use_count(conv->output) == 1 &&
                     graph.use_count(conv->inputs[1]) == 1;
  return folds ? conv : nullptr;
}

// Copies a graph, leaving out what is dropped and renumbering what stays.
class Rewriter {
 public:
  explicit Rewriter(const ir::Graph& from) : from_(from) { to_.name = from.name; }

  ir::Value keep(ir::Value value) {
    const auto [place, is_new] = moved_.try_emplace(value.index, ir::Value{});
    if (is_new) place->second = declare(from_[value]);
    return place->second;
  }
  ir::Value declare(ir::ValueInfo info) {
    to_.values.push_back(std::move(info));
    return {static_cast<int32_t>(to_.values.size()) - 1};
  }
  void add(ir::Node node) { to_.nodes.push_back(std::move(node)); }
  ir::Graph finish() {
    for (const ir::Value output : from_.outputs) to_.outputs.push_back(keep(output));
    to_.output_names = from_.output_names;
    assert(ir::verify(to_));
    return std::move(to_);
  }

 private:
  const ir::Graph& from_;
  ir::Graph to_;
  std::map<int32_t, ir::Value> moved_;
};

Result<std::vector<float>> read(const bundle::ParameterSource& source, const ir::ValueInfo& info) {
  std::vector<float> values(element_count(ir::bind(info.shape, {})));
  QB_CHECK(source(info, values));
  return values;
}

// Gains and offsets of the batch norm, by channel.
Result<ir::ChannelMap> map_of(const bundle::ParameterSource& source, const Fold& fold) {
  QB_TRY(const std::vector<float> scale, read(source, fold.scale));
  QB_TRY(const std::vector<float> shift, read(source, fold.shift));
  QB_TRY(const std::vector<float> mean, read(source, fold.mean));
  QB_TRY(const std::vector<float> variance, read(source, fold.variance));
  std::vector<float> old_bias;
  if (fold.had_bias) {
    QB_TRY(old_bias, read(source, fold.old_bias));
  }
  return ir::channel_map({scale, shift, mean, variance, fold.epsilon}, old_bias);
}

Result<void> fill_folded_weight(const bundle::ParameterSource& source, const Fold& fold,
                                const ir::ValueInfo& info, std::span<float> out) {
  QB_CHECK(source(info, out));
  QB_TRY(const ir::ChannelMap map, map_of(source, fold));
  ir::scale_rows(map.gains, out);
  return {};
}

Result<void> fill_folded_bias(const bundle::ParameterSource& source, const Fold& fold,
                              std::span<float> out) {
  QB_TRY(const ir::ChannelMap map, map_of(source, fold));
  std::ranges::copy(map.offsets, out.begin());
  return {};
}

bundle::ParameterSource folded_source(const bundle::ParameterSource& source,
                                      std::vector<Fold> folds) {
  struct Roles {
    std::map<std::string, Fold> by_weight, by_bias;
  };
  auto roles = std::make_shared<Roles>();
  for (Fold& fold : folds) {
    roles->by_weight[fold.weight] = fold;
    roles->by_bias[fold.bias] = std::move(fold);
  }
  return [source, roles](const ir::ValueInfo& info, std::span<float> out) -> Result<void> {
    if (const auto fold = roles->by_weight.find(info.name); fold != roles->by_weight.end())
      return fill_folded_weight(source, fold->second, info, out);
    if (const auto fold = roles->by_bias.find(info.name); fold != roles->by_bias.end())
      return fill_folded_bias(source, fold->second, out);
    return source(info, out);
  };
}

void multiply_into(std::vector<float>& factors, std::span<const float> by) {
  factors.resize(by.size(), 1.0f);
  for (size_t i = 0; i < by.size(); ++i) factors[i] *= by[i];
}

}  // namespace

Result<std::vector<float>> read_parameter(const Network& network, ir::Value parameter) {
  return read(network.source, network.graph[parameter]);
}

Network fold_batch_norms(const Network& network) {
  const ir::Graph& graph = network.graph;
  std::map<const ir::Node*, const ir::Node*> norm_of;  // by convolution
  for (const ir::Node& node : graph.nodes)
    if (const ir::Node* conv = foldable(graph, node)) norm_of[conv] = &node;
  Rewriter rewriter(graph);
  for (const ir::ValueKind kind : {ir::ValueKind::input, ir::ValueKind::state})
    for (const ir::Value value : graph.of_kind(kind)) rewriter.keep(value);
  std::vector<Fold> folds;
  std::set<const ir::Node*> dropped;
  for (const ir::Node& node : graph.nodes) {
    if (dropped.contains(&node)) continue;
    ir::Node copy = {.op = node.op, .attributes = node.attributes};
    for (const ir::Value input : node.inputs) copy.inputs.push_back(rewriter.keep(input));
    const auto norm = norm_of.find(&node);
    if (norm == norm_of.end()) {
      copy.output = rewriter.keep(node.output);
      rewriter.add(std::move(copy));
      continue;
    }
    const std::vector<ir::Value>& inputs = norm->second->inputs;
    const ir::ValueInfo& weight = graph[node.inputs[1]];
    Fold fold = {.weight = weight.name,
                 .bias = weight.name + ".folded_bias",
                 .had_bias = node.inputs.size() > 2,
                 .scale = graph[inputs[1]],
                 .shift = graph[inputs[2]],
                 .mean = graph[inputs[3]],
                 .variance = graph[inputs[4]],
                 .epsilon = norm->second->attributes.real("epsilon")};
    if (fold.had_bias) fold.old_bias = graph[node.inputs[2]];
    copy.inputs.resize(2);
    copy.inputs.push_back(rewriter.declare({.name = fold.bias,
                                            .kind = ir::ValueKind::parameter,
                                            .type = ElementType::f32,
                                            .shape = {weight.shape[0]}}));
    copy.output = rewriter.keep(norm->second->output);
    rewriter.add(std::move(copy));
    dropped.insert(norm->second);
    folds.push_back(std::move(fold));
  }
  return {rewriter.finish(), folded_source(network.source, std::move(folds))};
}

void Scaling::scale_rows(ir::Value parameter, std::span<const float> factors) {
  multiply_into(rows_[parameter.index], factors);
}

void Scaling::scale_columns(ir::Value parameter, std::span<const float> factors,
                            int64_t column_repeat) {
  Columns& columns = columns_[parameter.index];
  columns.repeat = column_repeat;
  multiply_into(columns.factors, factors);
}

void Scaling::apply(ir::Value parameter, std::span<float> values) const {
  if (const auto rows = rows_.find(parameter.index); rows != rows_.end()) {
    const size_t column_count = values.size() / rows->second.size();
    for (size_t i = 0; i < values.size(); ++i) values[i] *= rows->second[i / column_count];
  }
  if (const auto found = columns_.find(parameter.index); found != columns_.end()) {
    const auto& [factors, repeat] = found->second;
    const size_t column_count = factors.size() * static_cast<size_t>(repeat);
    for (size_t i = 0; i < values.size(); ++i)
      values[i] *= factors[i % column_count / static_cast<size_t>(repeat)];
  }
}

Network scaled(const Network& network, Scaling scaling) {
  std::map<std::string, ir::Value> by_name;
  for (const ir::Value value : network.graph.of_kind(ir::ValueKind::parameter))
    by_name[network.graph[value].name] = value;
  auto source = [source = network.source, scaling = std::move(scaling),
                 by_name = std::move(by_name)](const ir::ValueInfo& info,
                                               std::span<float> out) -> Result<void> {
    QB_CHECK(source(info, out));
    scaling.apply(by_name.at(info.name), out);
    return {};
  };
  return {network.graph, std::move(source)};
}

ir::Value find_value(const ir::Graph& graph, std::string_view name) {
  const auto found = std::ranges::find(graph.values, name, &ir::ValueInfo::name);
  assert(found != graph.values.end());
  return {static_cast<int32_t>(found - graph.values.begin())};
}

}  // namespace qb::compress
