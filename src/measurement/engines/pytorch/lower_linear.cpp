// linear and embedding, in floating point or with weight-only quantized weights.
#include "measurement/engines/pytorch/lowering.h"
#include "measurement/engines/pytorch/products.h"
#include "measurement/lowering/grouped_weight.h"

namespace qb::pytorch {
namespace {

bool is_quantized(const bundle::Parameter& weight) {
  return weight.encoding == bundle::Encoding::packed || weight.encoding == bundle::Encoding::block;
}

std::vector<const bundle::Parameter*> weights_of(const Lowering& l, const lowering::Join& linears) {
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
  QB_TRY(const lowering::GroupedWeight w, lowering::group_weight(weight, sizes));
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

// What is joined is one product, its rows the columns of each linear's value.
Result<void> lower_linear(Lowering& l, const ir::Node& node) {
  const lowering::Join linears = l.transformations().joined_with(node);
  const at::Tensor bias = node.inputs.size() > 2 ? l.f32_tensor(node.inputs[2]) : at::Tensor();
  QB_TRY(const Product product, make_product(l, node.inputs[0], weights_of(l, linears), bias));
  const Slot x =
      product.reads_codes ? l.measured_codes(node.inputs[0]).slot : l.operand(node.inputs[0]);
  const Slot y = linears.size() == 1 ? l.result(node.output) : l.new_slot();
  l.add_step({x},
             [x, y, call = product.call](Frame& frame) { frame.slots[y] = call(frame.slots[x]); });
  if (linears.size() == 1) return {};
  int64_t first = 0;
  for (const ir::Node* linear : linears) {
    const int64_t count = l.parameter(linear->inputs[1]).shape[0];
    l.set_columns(linear->output, {y, first, count});
    l.mark_done(*linear);
    first += count;
  }
  return {};
}

constexpr LoweringRow rows[] = {
    {ir::Op::embedding, lower_embedding},
    {ir::Op::linear, lower_linear},
};

}  // namespace

std::span<const LoweringRow> linear_lowerings() { return rows; }

}  // namespace qb::pytorch
