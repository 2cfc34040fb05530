// linear and embedding, in floating point or with weight-only quantized weights.
#include <algorithm>

#include "bundle/grouped.h"
#include "engines/pytorch/lowering.h"
#include "engines/pytorch/products.h"

namespace qb::pytorch {
namespace {

bool is_quantized(const bundle::Parameter& weight) {
  return weight.encoding == bundle::Encoding::packed || weight.encoding == bundle::Encoding::block;
}

bool is_quantized_linear(const Lowering& l, const ir::Node& node) {
  return node.op == ir::Op::linear && is_quantized(l.parameter(node.inputs[1]));
}

// Weights that can stand as rows of one: stored alike.
bool are_alike(const bundle::Parameter& a, const bundle::Parameter& b) {
  if (a.encoding != b.encoding || a.shape[1] != b.shape[1]) return false;
  if (a.encoding == bundle::Encoding::block) return a.block == b.block;
  if (a.encoding != bundle::Encoding::packed) return true;
  const quant::PackedLayout& x = a.packed.layout;
  const quant::PackedLayout& y = b.packed.layout;
  return x.bits == y.bits && x.group_size == y.group_size && x.symmetric == y.symmetric &&
         x.per_tensor == y.per_tensor;
}

// Linears without bias that read what `node` reads, their weights stored alike, `node` first.
std::vector<const ir::Node*> siblings_of(const Lowering& l, const ir::Node& node) {
  std::vector<const ir::Node*> siblings = {&node};
  if (node.inputs.size() > 2) return siblings;
  const bundle::Parameter& weight = l.parameter(node.inputs[1]);
  for (const ir::Node& other : l.ir().nodes) {
    const bool reads_same = &other != &node && other.op == ir::Op::linear && !l.is_done(other) &&
                            other.inputs.size() == 2 && other.inputs[0] == node.inputs[0];
    if (reads_same && are_alike(weight, l.parameter(other.inputs[1]))) siblings.push_back(&other);
  }
  return siblings;
}

std::vector<const bundle::Parameter*> weights_of(const Lowering& l,
                                                 const std::vector<const ir::Node*>& linears) {
  std::vector<const bundle::Parameter*> weights;
  for (const ir::Node* linear : linears) weights.push_back(&l.parameter(linear->inputs[1]));
  return weights;
}

Result<Product> make_product(Lowering& l, ir::Value x,
                             const std::vector<const bundle::Parameter*>& weights,
                             const at::Tensor& bias) {
  const bundle::Parameter& first = *weights[0];
  if (!is_quantized(first)) return float_product(l, weights, bias);
  if (l.rounding(x).mode == quant::Activations::by_token) return token_product(l, weights, bias);
  if (l.rounding(x).mode != quant::Activations::none) return integer_product(l, x, weights, bias);
  return weight_only_product(l, weights, bias);
}

// Rows of a quantized table: looked up as codes, then dequantized.
Result<void> lower_quantized_embedding(Lowering& l, const ir::Node& node,
                                       const bundle::Parameter& weight) {
  constexpr int64_t sizes[] = {256, 128, 64, 32, 16, 0};
  QB_TRY(const bundle::GroupedWeight w, bundle::group_weight(weight, sizes));
  const Dequantizer dequantizer(l, w);
  const Slot tokens = l.operand(node.inputs[0]);
  const Slot out = l.result(node.output);
  l.add_step({tokens}, [=](Frame& frame) {
    const at::Tensor& x = frame.slots[tokens];
    const at::Tensor rows = dequantizer.rows(x.reshape({-1}));
    frame.slots[out] = rows.reshape({x.size(0), x.size(1), rows.size(1)});
  });
  l.note("embedding", "rows of codes looked up, dequantized to f32");
  l.count("index_select");
  return {};
}

}  // namespace

Result<void> lower_embedding(Lowering& l, const ir::Node& node) {
  const bundle::Parameter& weight = l.parameter(node.inputs[1]);
  if (is_quantized(weight)) return lower_quantized_embedding(l, node, weight);
  const at::Tensor table = l.stored_tensor(weight);
  l.add_step(node.output, node.inputs[0], [table](const at::Tensor& tokens) {
    return at::embedding(table, tokens).to(at::kFloat);
  });
  l.count("embedding");
  return {};
}

// Linears that read the same input are one product, their weights' rows one after another: the same
// bits, one call.
Result<void> lower_linear(Lowering& l, const ir::Node& node) {
  const std::vector<const ir::Node*> linears =
      is_quantized_linear(l, node) ? siblings_of(l, node) : std::vector<const ir::Node*>{&node};
  const at::Tensor bias = node.inputs.size() > 2 ? l.f32_tensor(node.inputs[2]) : at::Tensor();
  QB_TRY(const Product product, make_product(l, node.inputs[0], weights_of(l, linears), bias));
  const Slot x =
      product.reads_codes ? l.measured_codes(node.inputs[0]).slot : l.operand(node.inputs[0]);
  std::vector<std::pair<Slot, int64_t>> parts;  // where rows go, and how many
  for (const ir::Node* linear : linears) {
    parts.emplace_back(l.result(linear->output), l.parameter(linear->inputs[1]).shape[0]);
    l.mark_done(*linear);
  }
  l.add_step({x}, [x, parts, call = product.call](Frame& frame) {
    const at::Tensor y = call(frame.slots[x]);
    int64_t row = 0;
    for (const auto& [slot, count] : parts) {
      frame.slots[slot] = parts.size() == 1 ? y : y.narrow(-1, row, count);
      row += count;
    }
  });
  return {};
}

}  // namespace qb::pytorch
