// Operators that are one or two MLX calls.
#include <limits>

#include "measurement/engines/mlx/lowering.h"

namespace qb::mlx {
namespace {

// An operand beside pictures, whose last dimension is the channel here: [channels, 1, 1], say, as
// [1, 1, 1, channels].
mx::array beside_pictures(const mx::array& x) {
  mx::Shape shape(4 - x.ndim(), 1);
  for (const mx::ShapeElem extent : x.shape()) shape.push_back(extent);
  return mx::transpose(mx::reshape(x, shape), {0, 2, 3, 1});
}

template <typename Operation>
Result<void> lower_elementwise(Lowering& l, const ir::Node& node, Operation operation) {
  const bool is_picture = l.is_picture(node.output);
  const auto fitting = [is_picture](const mx::array& x) {
    return is_picture && x.ndim() < 4 ? beside_pictures(x) : x;
  };
  l.add_binary(node, [fitting, operation](const mx::array& a, const mx::array& b) {
    return operation(fitting(a), fitting(b));
  });
  return {};
}

Result<void> lower_add(Lowering& l, const ir::Node& node) {
  return lower_elementwise(l, node,
                           [](const mx::array& a, const mx::array& b) { return mx::add(a, b); });
}

// silu(gate) * x as one kernel for any shape, as mlx-lm has it. A network that is compiled as a
// whole needs none of its own.
std::vector<mx::array> gated(const std::vector<mx::array>& gate_and_x) {
  const mx::array& gate = gate_and_x[0];
  return {mx::multiply(mx::multiply(gate, mx::sigmoid(gate)), gate_and_x[1])};
}

// The silu that a multiplication takes over: nothing else reads its output.
const ir::Node* gate_of(Lowering& l, const ir::Node& multiply) {
  if (!l.fuses() || l.is_static()) return nullptr;
  for (const ir::Value input : multiply.inputs) {
    const ir::Node* silu = l.ir().producer_of(input);
    if (silu && silu->op == ir::Op::silu && l.ir().only_reader(input)) return silu;
  }
  return nullptr;
}

Result<void> lower_multiply(Lowering& l, const ir::Node& node) {
  if (const ir::Node* silu = gate_of(l, node)) {
    const bool is_first = node.inputs[0] == silu->output;
    l.add_call([gate = l.slot(silu->inputs[0]), x = l.slot(node.inputs[is_first ? 1 : 0]),
                out = l.slot(node.output),
                compiled = mx::compile(&gated, /*shapeless=*/true)](Frame& frame) {
      frame.slots[out] = compiled({frame.slots[gate], frame.slots[x]})[0];
    });
    l.count("compiled silu * x");
    return {};
  }
  return lower_elementwise(
      l, node, [](const mx::array& a, const mx::array& b) { return mx::multiply(a, b); });
}

Result<void> lower_silu(Lowering& l, const ir::Node& node) {
  const ir::Node* reader = l.ir().only_reader(node.output);
  if (reader && reader->op == ir::Op::multiply && gate_of(l, *reader) == &node) return {};
  l.add_unary(node, [](const mx::array& x) { return mx::multiply(x, mx::sigmoid(x)); });
  return {};
}

Result<void> lower_global_average_pool(Lowering& l, const ir::Node& node) {
  l.add_unary(node, [](const mx::array& x) {
    return mx::mean(x, std::vector<int>{1, 2}, /*keepdims=*/true);
  });
  return {};
}

// MLX has no pooling: the largest of each window, as mlx.nn has it. Padding is below every value.
Result<void> lower_max_pool(Lowering& l, const ir::Node& node) {
  const auto pair = [&](const char* name) {
    const auto values = node.attributes.integers(name);
    return std::pair(static_cast<int>(values[0]), static_cast<int>(values[1]));
  };
  const auto padding = node.attributes.integers("padding");  // top, left, bottom, right
  const std::vector<int> before = {static_cast<int>(padding[0]), static_cast<int>(padding[1])};
  const std::vector<int> after = {static_cast<int>(padding[2]), static_cast<int>(padding[3])};
  l.add_unary(node, [=, kernel = pair("kernel"), stride = pair("stride")](const mx::array& x) {
    const mx::array lowest(-std::numeric_limits<float>::infinity(), x.dtype());
    const mx::array padded =
        mx::pad(x, std::vector<int>{1, 2}, mx::Shape(before.begin(), before.end()),
                mx::Shape(after.begin(), after.end()), lowest);
    const int64_t column = padded.shape(3);
    const int64_t row = column * padded.shape(2);
    const mx::Shape windows = {padded.shape(0),
                               (padded.shape(1) - kernel.first) / stride.first + 1,
                               (padded.shape(2) - kernel.second) / stride.second + 1,
                               kernel.first,
                               kernel.second,
                               padded.shape(3)};
    const mx::Strides strides = {
        row * padded.shape(1), row * stride.first, column * stride.second, row, column, 1};
    return mx::max(mx::as_strided(padded, windows, strides, 0), std::vector<int>{3, 4});
  });
  return {};
}

// In the order of NCHW, which is what the weights behind it were trained for.
Result<void> lower_flatten(Lowering& l, const ir::Node& node) {
  const bool is_picture = l.is_picture(node.inputs[0]);
  l.add_unary(node, [is_picture](const mx::array& x) {
    return mx::reshape(is_picture ? mx::transpose(x, {0, 3, 1, 2}) : x, {x.shape(0), -1});
  });
  return {};
}

constexpr LoweringRow rows[] = {
    {ir::Op::add, lower_add},           {ir::Op::multiply, lower_multiply},
    {ir::Op::silu, lower_silu},         {ir::Op::global_average_pool, lower_global_average_pool},
    {ir::Op::max_pool, lower_max_pool}, {ir::Op::flatten, lower_flatten},
};

}  // namespace

std::span<const LoweringRow> simple_lowerings() { return rows; }

}  // namespace qb::mlx
