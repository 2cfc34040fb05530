// linear and embedding.
#include "engines/mlx/lowering.h"

namespace qb::mlx {
namespace {

void note_stored(Lowering& l, std::string_view kind, std::string_view kernel,
                 const mx::array& weight) {
  if (weight.dtype() == l.compute_type())
    l.note(kind, weight.dtype() == mx::float32 ? fmt::format("{} in f32", kernel)
                                               : fmt::format("{} in 16 bits", kernel));
  else
    l.note(kind, fmt::format("{} in f32, 16-bit weights widened at each run", kernel));
  l.count(kernel);
}

void note_quantized(Lowering& l, std::string_view kind, std::string_view kernel,
                    const QuantizedWeight& w) {
  const std::string type = w.mode == "affine"
                               ? fmt::format("{}-bit affine in groups of {}", w.bits, w.group_size)
                               : w.mode;
  l.note(kind, fmt::format("{}, {}, f32 activations", kernel, type));
  l.count(kernel);
}

// x times the transpose of a weight that isn't quantized. MLX computes 16-bit activations on a CPU
// at a fraction of the speed of f32 ones, so there the weight is widened to x's type.
mx::array plain_product(const mx::array& x, const mx::array& weight) {
  return mx::matmul(x, mx::transpose(mx::astype(weight, x.dtype())));
}

}  // namespace

Result<void> lower_linear(Lowering& l, const ir::Node& node) {
  std::function<mx::array(const mx::array&)> multiply;
  if (l.is_quantized(node.inputs[1])) {
    QB_TRY(const QuantizedWeight* weight, l.quantized(node.inputs[1]));
    multiply = Product(*weight, l.streams());
    note_quantized(l, "linear", "quantized_matmul", *weight);
  } else {
    const mx::array weight = l.stored_array(node.inputs[1]);
    multiply = [weight](const mx::array& x) { return plain_product(x, weight); };
    note_stored(l, "linear", "matmul", weight);
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

}  // namespace qb::mlx
