// linear and embedding.
#include "measurement/engines/mlx/lowering.h"

namespace qb::mlx {
namespace {

using Multiply = std::function<mx::array(const mx::array&)>;

void note_stored(Lowering& l, std::string_view kind, std::string_view kernel,
                 const mx::array& weight) {
  if (weight.dtype() == l.compute_type())
    l.note(kind, fmt::format("{} in {}", kernel, name_of(weight.dtype())));
  else
    l.note(kind, fmt::format("{} in f32, 16-bit weights widened at each run", kernel));
  l.count(kernel);
}

void note_quantized(Lowering& l, std::string_view kind, std::string_view kernel,
                    const QuantizedWeight& w) {
  const std::string type = w.mode == "affine"
                               ? fmt::format("{}-bit affine in groups of {}", w.bits, w.group_size)
                               : w.mode;
  l.note(kind, fmt::format("{}, {}, {} activations", kernel, type, name_of(w.type)));
  l.count(kernel);
}

// x times the transpose of a weight that isn't quantized. MLX computes 16-bit activations on a CPU
// at a fraction of the speed of f32 ones, so there the weight is widened to x's type.
mx::array plain_product(const mx::array& x, const mx::array& weight) {
  return mx::matmul(x, mx::transpose(mx::astype(weight, x.dtype())));
}

// The product with one weight, or with several as the rows of one.
Result<Multiply> load_quantized_product(Lowering& l, const lowering::Join& linears) {
  if (linears.size() == 1) {
    QB_TRY(const QuantizedWeight* weight, l.quantized(linears[0]->inputs[1]));
    note_quantized(l, "linear", "quantized_matmul", *weight);
    return Product(*weight, l.streams());
  }
  std::vector<QuantizedWeight> weights;
  for (const ir::Node* linear : linears) {
    QB_TRY(QuantizedWeight weight,
           load_quantized(l.parameter(linear->inputs[1]), l.compute_type()));
    weights.push_back(std::move(weight));
  }
  const QuantizedWeight joined = rows_joined(weights);
  note_quantized(l, "linear", "quantized_matmul", joined);
  return Product(joined, l.streams());
}

Multiply load_plain_product(Lowering& l, const lowering::Join& linears) {
  std::vector<mx::array> weights;
  for (const ir::Node* linear : linears) weights.push_back(l.stored_array(linear->inputs[1]));
  mx::array weight = weights.size() == 1 ? weights[0] : mx::concatenate(std::move(weights), 0);
  weight.eval();
  note_stored(l, "linear", "matmul", weight);
  return [weight](const mx::array& x) { return plain_product(x, weight); };
}

// One product whose columns are the outputs of all.
void add_joined(Lowering& l, const lowering::Join& linears, Multiply multiply) {
  std::vector<Slot> outputs;
  mx::Shape ends;  // of each output's columns but the last's
  int row_count = 0;
  for (const ir::Node* linear : linears) {
    outputs.push_back(l.slot(linear->output));
    row_count += static_cast<int>(l.parameter(linear->inputs[1]).shape[0]);
    ends.push_back(row_count);
  }
  ends.pop_back();
  l.add_call([in = l.slot(linears[0]->inputs[0]), outputs, ends,
              multiply = std::move(multiply)](Frame& frame) {
    const std::vector<mx::array> parts = mx::split(multiply(frame.slots[in]), ends, -1);
    for (size_t i = 0; i < outputs.size(); ++i) frame.slots[outputs[i]] = parts[i];
  });
}

Result<void> lower_linear(Lowering& l, const ir::Node& node) {
  const lowering::Join linears = l.transformations().joined_with(node);
  if (linears[0] != &node) return {};  // the first of them computes it
  Multiply multiply;
  if (l.is_quantized(node.inputs[1])) {
    QB_TRY(multiply, load_quantized_product(l, linears));
  } else {
    multiply = load_plain_product(l, linears);
  }
  if (linears.size() > 1) {
    add_joined(l, linears, std::move(multiply));
    return {};
  }
  if (node.inputs.size() == 2) {
    l.add_unary(node, std::move(multiply));
    return {};
  }
  const mx::array bias = l.stored_array(node.inputs[2]);
  l.add_unary(node, [multiply = std::move(multiply), bias](const mx::array& x) {
    return mx::add(multiply(x), bias);
  });
  return {};
}

Result<void> lower_embedding(Lowering& l, const ir::Node& node) {
  if (l.is_quantized(node.inputs[1])) {
    QB_TRY(const QuantizedWeight* weight, l.quantized(node.inputs[1]));
    l.add_unary(node, [w = *weight](const mx::array& tokens) { return rows_at(w, tokens); });
    l.note("embedding", "gathered rows dequantized");
    l.count("dequantize");
    return {};
  }
  const mx::array weight = l.stored_array(node.inputs[1]);
  l.add_unary(node, [weight, type = l.compute_type()](const mx::array& tokens) {
    return mx::astype(mx::take(weight, tokens, 0), type);
  });
  l.count("take");
  return {};
}

constexpr LoweringRow rows[] = {
    {ir::Op::linear, lower_linear},
    {ir::Op::embedding, lower_embedding},
};

}  // namespace

std::span<const LoweringRow> linear_lowerings() { return rows; }

}  // namespace qb::mlx
