// linear and embedding.
#include <algorithm>

#include "measurement/engines/onnxruntime/matmul_nbits_weight.h"
#include "measurement/lowering/grouped_weight.h"

namespace qb::ort {
namespace {

constexpr const char* microsoft = "com.microsoft";

// Inputs codes, scales and zero points of a block-quantized operator.
struct BlockedNames {
  std::string codes, scales, zero_points;  // zero_points "": the middle of the range
};

// weight = (code - z) * scale with z = -minimum / scale; a block of equal weights has no scale, and
// its codes are all 0.
std::string float_zero_points(Lowering& l, BlockedWeight& w) {
  const std::span<std::byte> kept_scales = l.keep(w.scales.size_bytes());
  auto* scales = reinterpret_cast<float*>(kept_scales.data());
  const std::span<std::byte> kept = l.keep(w.scales.size_bytes());
  auto* zero_points = reinterpret_cast<float*>(kept.data());
  for (size_t i = 0; i < w.scales.size(); ++i) {
    const bool is_flat = w.scales[i] == 0.0f;
    scales[i] = is_flat ? w.minimums[i] : w.scales[i];
    zero_points[i] = is_flat ? (w.minimums[i] == 0.0f ? 0.0f : -1.0f) : -w.minimums[i] / scales[i];
  }
  w.scales = {scales, w.scales.size()};
  return l.initializer("zero_points", ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
                       {w.row_count, w.blocks_per_row}, zero_points, w.scales.size_bytes());
}

BlockedNames add_blocked(Lowering& l, const std::string& hint, const BlockedWeight& w,
                         const std::vector<int64_t>& code_shape) {
  BlockedNames names;
  names.codes = l.initializer(hint, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8, code_shape, w.codes.data(),
                              w.codes.size());
  names.scales =
      l.initializer(hint, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, {w.row_count, w.blocks_per_row},
                    w.scales.data(), w.scales.size_bytes());
  if (!w.zero_points.empty())
    names.zero_points = l.initializer(hint, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8,
                                      {w.row_count, (w.blocks_per_row * w.bits + 7) / 8},
                                      w.zero_points.data(), w.zero_points.size());
  return names;
}

// output = x times the transposed weight, plus a bias unless its name is empty.
void add_blocked_product(Lowering& l, const std::string& x, const std::string& hint,
                         BlockedWeight w, const std::string& bias, const std::string& output) {
  const bool has_minimums = !w.minimums.empty();
  const std::string minimums = has_minimums ? float_zero_points(l, w) : "";
  BlockedNames names =
      add_blocked(l, hint, w, {w.row_count, w.blocks_per_row, w.block_size * w.bits / 8});
  if (has_minimums) names.zero_points = minimums;
  std::vector<std::string> inputs = {x, names.codes, names.scales, names.zero_points};
  if (!bias.empty()) {
    inputs.resize(6);
    inputs[5] = bias;
  } else if (names.zero_points.empty()) {
    inputs.pop_back();
  }
  l.node({"MatMulNBits",
          microsoft,
          std::move(inputs),
          {output},
          {{"K", w.column_count},
           {"N", w.row_count},
           {"bits", int64_t{w.bits}},
           {"block_size", w.block_size},
           {"accuracy_level", int64_t{4}}}});
  l.note("linear",
         has_minimums
             ? fmt::format("MatMulNBits, {}-bit weights with float zero points, f32 activations",
                           w.bits)
             : fmt::format("MatMulNBits, {}-bit weights, activations rounded to int8 per block "
                           "of {} (accuracy_level 4)",
                           w.bits, w.block_size));
}

template <typename T>
std::span<const T> joined(Lowering& l, const std::vector<std::span<const T>>& parts) {
  size_t count = 0;
  for (const auto& part : parts) count += part.size();
  const std::span<std::byte> kept = l.keep(count * sizeof(T));
  auto* const first = reinterpret_cast<T*>(kept.data());
  T* next = first;
  for (const auto& part : parts) next = std::ranges::copy(part, next).out;
  return {first, count};
}

using Weights = std::vector<const bundle::Parameter*>;

// Several weights as one: their rows one after another.
BlockedWeight block_weights(Lowering& l, const Weights& weights) {
  BlockedWeight w = block_weight(l, *weights[0]);
  if (weights.size() == 1) return w;
  std::vector<std::span<const uint8_t>> codes, zero_points;
  std::vector<std::span<const float>> scales, minimums;
  w.row_count = 0;
  for (const bundle::Parameter* weight : weights) {
    const BlockedWeight part = block_weight(l, *weight);
    w.row_count += part.row_count;
    codes.push_back(part.codes);
    scales.push_back(part.scales);
    zero_points.push_back(part.zero_points);
    minimums.push_back(part.minimums);
  }
  w.codes = joined(l, codes);
  w.scales = joined(l, scales);
  w.zero_points = joined(l, zero_points);
  w.minimums = joined(l, minimums);
  return w;
}

// Floating-point weights as stored, in f32 where they are read.
std::string float_weights(Lowering& l, const lowering::Join& linears) {
  if (linears.size() == 1) return l.operand(linears[0]->inputs[1]);
  const bundle::Parameter& first = l.parameter(linears[0]->inputs[1]);
  std::vector<std::span<const std::byte>> parts;
  int64_t row_count = 0;
  for (const ir::Node* linear : linears) {
    const bundle::Parameter& part = l.parameter(linear->inputs[1]);
    parts.push_back(part.bytes);
    row_count += part.shape[0];
  }
  return l.float_operand(first.encoding, l.joint_name(*linears[0]), {row_count, first.shape[1]},
                         joined(l, parts));
}

// What a block format's minimums add to looked-up rows whose zero point is the middle of the range:
// minimum + middle * scale, a block's value for each of its columns.
std::string add_offsets(Lowering& l, const ir::Node& node, const BlockedWeight& w,
                        const std::string& gathered) {
  const std::span<std::byte> kept = l.keep(w.scales.size_bytes());
  auto* offsets = reinterpret_cast<float*>(kept.data());
  const auto middle = static_cast<float>(1 << (w.bits - 1));
  for (size_t i = 0; i < w.scales.size(); ++i) offsets[i] = w.minimums[i] + middle * w.scales[i];
  const std::string table = l.initializer("offsets", ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
                                          {w.row_count, w.blocks_per_row, 1}, offsets, kept.size());
  const std::string rows = l.fresh("offsets");
  const std::string blocks = l.fresh("blocks");
  const std::string sum = l.fresh("sum");
  const std::string output = l.output(node.output);
  l.node({"Gather", "", {table, l.operand(node.inputs[0])}, {rows}});
  l.node({"Reshape",
          "",
          {gathered, l.integers("shape", {0, 0, w.blocks_per_row, w.block_size})},
          {blocks}});
  l.node({"Add", "", {blocks, rows}, {sum}});
  l.node({"Reshape", "", {sum, l.integers("shape", {0, 0, w.column_count})}, {output}});
  return output;
}

// Row lookup; the padding of the last block is cut off again.
void lower_packed_embedding(Lowering& l, const ir::Node& node, const bundle::Parameter& weight) {
  const BlockedWeight w = block_weight(l, weight);
  const int64_t stored_columns = w.blocks_per_row * w.block_size;
  const BlockedNames names =
      add_blocked(l, weight.name, w, {w.row_count, stored_columns * w.bits / 8});
  std::vector<std::string> inputs = {names.codes, l.operand(node.inputs[0]), names.scales};
  if (!names.zero_points.empty()) inputs.push_back(names.zero_points);
  const bool is_padded = stored_columns != w.column_count;
  const bool is_whole = !is_padded && w.minimums.empty();
  const std::string output = l.output(node.output);
  const std::string gathered = is_whole ? output : l.fresh(output);
  l.node({"GatherBlockQuantized",
          microsoft,
          std::move(inputs),
          {gathered},
          {{"bits", int64_t{w.bits}},
           {"block_size", w.block_size},
           {"gather_axis", int64_t{0}},
           {"quantize_axis", int64_t{1}}}});
  if (!w.minimums.empty())
    add_offsets(l, node, w, gathered);
  else if (is_padded)
    l.node({"Slice",
            "",
            {gathered, l.integers("starts", {0}), l.integers("ends", {w.column_count}),
             l.integers("axes", {2})},
            {output}});
  l.note("embedding", "GatherBlockQuantized");
}

bool is_blocked(const bundle::Parameter& weight) {
  return weight.encoding == bundle::Encoding::packed || weight.encoding == bundle::Encoding::block;
}

bool has_minimums(const bundle::Parameter& weight) {
  return weight.encoding == bundle::Encoding::block ? ggml::row_of(weight.block).has_minimums()
                                                    : weight.packed.layout.has_minimums;
}

void add_float_product(Lowering& l, const lowering::Join& linears, const std::string& y) {
  const ir::Node& first = *linears[0];
  const bool has_bias = first.inputs.size() > 2;
  const std::string product = has_bias ? l.fresh(y) : y;
  l.node({"FusedMatMul",
          microsoft,
          {l.operand(first.inputs[0]), float_weights(l, linears)},
          {product},
          {{"transB", int64_t{1}}}});
  if (has_bias) l.node({"Add", "", {product, l.operand(first.inputs[2])}, {y}});
}

// y = x times the transposed weights of the linears, by the kernel that weights and x ask for.
Result<void> add_product(Lowering& l, const lowering::Join& linears, const std::string& y) {
  const ir::Node& first = *linears[0];
  Weights weights;
  for (const ir::Node* linear : linears) weights.push_back(&l.parameter(linear->inputs[1]));
  if (!is_blocked(*weights[0])) {
    add_float_product(l, linears, y);
    return {};
  }
  const std::string bias = first.inputs.size() > 2 ? l.operand(first.inputs[2]) : "";
  if (l.rounding(first.inputs[0]).mode != quant::Activations::none)
    return lower_integer_product(l, first.inputs[0], weights, bias, y);
  const int32_t bits = lowering::code_bits_of(*weights[0]);
  if (has_minimums(*weights[0]) && bits != 4)
    return fail(Errc::unsupported,
                "ONNX Runtime's MatMulNBits takes float zero points of 4-bit weights only, and {} "
                "has {} bits with minimums",
                weights[0]->name, bits);
  const std::string x = l.operand(first.inputs[0]);
  add_blocked_product(l, x, y, block_weights(l, weights), bias, y);
  return {};
}

Result<void> lower_embedding(Lowering& l, const ir::Node& node) {
  const bundle::Parameter& weight = l.parameter(node.inputs[1]);
  if (is_blocked(weight))
    lower_packed_embedding(l, node, weight);
  else
    l.node({"Gather",
            "",
            {l.operand(node.inputs[1]), l.operand(node.inputs[0])},
            {l.output(node.output)}});
  return {};
}

Result<void> lower_linear(Lowering& l, const ir::Node& node) {
  const lowering::Join linears = l.transformations().joined_with(node);
  if (linears[0] != &node) return {};  // computed with the first
  const bool is_joint = linears.size() > 1;
  const std::string y = is_joint ? l.joint_name(node) : l.output(node.output);
  QB_CHECK(add_product(l, linears, y));
  if (!is_joint || l.is_projection(linears)) return {};
  std::vector<std::string> outputs;
  std::vector<int64_t> row_counts;
  for (const ir::Node* linear : linears) {
    outputs.push_back(l.output(linear->output));
    row_counts.push_back(l.parameter(linear->inputs[1]).shape[0]);
  }
  l.node({"Split",
          "",
          {y, l.integers("rows", row_counts)},
          std::move(outputs),
          {{"axis", int64_t{-1}}}});
  return {};
}

constexpr LoweringRow rows[] = {
    {ir::Op::embedding, lower_embedding},
    {ir::Op::linear, lower_linear},
};

}  // namespace

std::span<const LoweringRow> linear_lowerings() { return rows; }

}  // namespace qb::ort
