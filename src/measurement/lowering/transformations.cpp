#include "measurement/lowering/transformations.h"

#include <algorithm>
#include <map>
#include <set>

namespace qb::lowering {
namespace {

// Weights that can stand as rows of one.
bool are_alike(const bundle::Parameter& a, const bundle::Parameter& b) {
  if (a.encoding != b.encoding || a.shape[1] != b.shape[1]) return false;
  if (a.encoding == bundle::Encoding::block) return a.block == b.block;
  if (a.encoding == bundle::Encoding::micro) return a.micro.layout.format == b.micro.layout.format;
  if (a.encoding != bundle::Encoding::packed) return true;
  const quant::PackedLayout& x = a.packed.layout;
  const quant::PackedLayout& y = b.packed.layout;
  return x.bits == y.bits && x.group_size == y.group_size && x.symmetric == y.symmetric &&
         x.per_tensor == y.per_tensor && x.has_minimums == y.has_minimums;
}

bool is_joinable(const ir::Node& node) {
  return node.op == ir::Op::linear && node.inputs.size() == 2;
}

std::vector<Join> find_joins(const bundle::Bundle& bundle) {
  std::vector<Join> joins;
  std::set<const ir::Node*> taken;
  for (const ir::Node& first : bundle.graph().nodes) {
    if (!is_joinable(first) || taken.contains(&first)) continue;
    Join join;
    for (const ir::Node& node : bundle.graph().nodes)
      if (is_joinable(node) && node.inputs[0] == first.inputs[0] && !taken.contains(&node) &&
          are_alike(bundle.parameter(first.inputs[1]), bundle.parameter(node.inputs[1])))
        join.push_back(&node);
    taken.insert(join.begin(), join.end());
    if (join.size() > 1) joins.push_back(std::move(join));
  }
  return joins;
}

std::vector<Fold> find_folds(const bundle::Bundle& bundle) {
  std::vector<Fold> folds;
  for (const ir::Node& node : bundle.graph().nodes) {
    if (node.op != ir::Op::conv2d) continue;
    const ir::Node* norm = bundle.graph().only_reader(node.output);
    const bool folds_norm = norm && norm->op == ir::Op::batch_norm &&
                            bundle.parameter(node.inputs[1]).encoding == bundle::Encoding::f32 &&
                            bundle.activation(node.output).mode == quant::Activations::none;
    if (folds_norm) folds.push_back({&node, norm});
  }
  return folds;
}

// Digits between dots, such as a layer's, as a star.
std::string without_numbers(std::string_view name) {
  std::string pattern;
  for (size_t start = 0; start <= name.size();) {
    const size_t end = std::min(name.find('.', start), name.size());
    const std::string_view part = name.substr(start, end - start);
    const bool is_number =
        !part.empty() && std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
    if (start > 0) pattern += '.';
    pattern += is_number ? "*" : part;
    start = end + 1;
  }
  return pattern;
}

}  // namespace

Join Transformations::joined_with(const ir::Node& linear) const {
  for (const Join& join : joins)
    if (std::ranges::find(join, &linear) != join.end()) return join;
  return {&linear};
}

const ir::Node* Transformations::norm_folded_into(const ir::Node& convolution) const {
  const auto found = std::ranges::find(folds, &convolution, &Fold::convolution);
  return found == folds.end() ? nullptr : found->norm;
}

bool Transformations::is_folded(const ir::Node& norm) const {
  return std::ranges::find(folds, &norm, &Fold::norm) != folds.end();
}

Transformations find_transformations(const bundle::Bundle& bundle) {
  return {find_joins(bundle), find_folds(bundle)};
}

ir::ChannelMap channel_map(const bundle::Bundle& bundle, const ir::Node& norm,
                           std::span<const float> bias) {
  const auto values = [&](size_t input) { return bundle.parameter(norm.inputs[input]).f32(); };
  return ir::channel_map(
      {values(1), values(2), values(3), values(4), norm.attributes.real("epsilon")}, bias);
}

FoldedConvolution fold(const bundle::Bundle& bundle, const Fold& fold) {
  const ir::Node& convolution = *fold.convolution;
  const std::span<const float> weight = bundle.parameter(convolution.inputs[1]).f32();
  const std::span<const float> bias = convolution.inputs.size() > 2
                                          ? bundle.parameter(convolution.inputs[2]).f32()
                                          : std::span<const float>();
  const ir::ChannelMap map = channel_map(bundle, *fold.norm, bias);
  FoldedConvolution folded = {{weight.begin(), weight.end()}, map.offsets};
  ir::scale_rows(map.gains, folded.weight);
  return folded;
}

bool has_tables(const bundle::Bundle& bundle) {
  return std::ranges::any_of(
      bundle.graph().of_kind(ir::ValueKind::parameter),
      [&](ir::Value value) { return bundle.parameter(value).encoding == bundle::Encoding::table; });
}

std::optional<quant::Microscaling> microscaling_of(const bundle::Bundle& bundle) {
  if (bundle.scheme().weight_type == quant::WeightType::micro) return bundle.scheme().micro;
  for (const ir::Value value : bundle.graph().of_kind(ir::ValueKind::parameter))
    if (const bundle::Parameter& parameter = bundle.parameter(value);
        parameter.encoding == bundle::Encoding::micro)
      return parameter.micro.layout.format;
  return std::nullopt;
}

std::optional<int32_t> odd_bits_of(const bundle::Bundle& bundle) {
  for (const ir::Value value : bundle.graph().of_kind(ir::ValueKind::parameter)) {
    const bundle::Parameter& parameter = bundle.parameter(value);
    const int32_t bits = parameter.packed.layout.bits;
    if (parameter.encoding == bundle::Encoding::packed && bits != 4 && bits != 8) return bits;
  }
  return std::nullopt;
}

Json describe(const bundle::Bundle& bundle, const Transformations& transformations) {
  std::vector<std::pair<std::vector<std::string>, int64_t>> counts;
  for (const Join& join : transformations.joins) {
    std::vector<std::string> names;
    for (const ir::Node* linear : join)
      names.push_back(without_numbers(bundle.graph()[linear->inputs[1]].name));
    const auto found = std::ranges::find(counts, names, &decltype(counts)::value_type::first);
    if (found == counts.end())
      counts.emplace_back(std::move(names), 1);
    else
      ++found->second;
  }
  Json::Array list;
  for (const auto& [names, count] : counts)
    list.push_back(Json::object(
        {{"kind", "joined products"}, {"parameters", Json::array_of(names)}, {"count", count}}));
  if (!transformations.folds.empty())
    list.push_back(Json::object({{"kind", "batch norms folded into convolutions"},
                                 {"count", static_cast<int64_t>(transformations.folds.size())}}));
  return Json(std::move(list));
}

}  // namespace qb::lowering
