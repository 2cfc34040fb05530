// Integer kernels: 8-bit activations (unsigned) times symmetric 8-bit weights (signed).
#include <cmath>
#include <optional>

#include "measurement/engines/onnxruntime/lowering.h"

namespace qb::ort {
namespace {

constexpr const char* microsoft = "com.microsoft";

Result<void> check_weight(const quant::PackedLayout& layout) {
  if (layout.bits == 8 && layout.symmetric && layout.groups_per_row() == 1) return {};
  return fail(Errc::unsupported,
              "ONNX Runtime's integer kernels take symmetric 8-bit weights with one scale for each "
              "row or for all");
}

int8_t signed_code(const quant::PackedView& packed, int64_t row, int64_t column) {
  return static_cast<int8_t>(packed.code(row, column) - 128);
}

// The weights as MatMul's second operand: [columns, rows].
std::string transposed_codes(Lowering& l, const std::vector<const bundle::Parameter*>& weights,
                             int64_t row_count) {
  const int64_t column_count = weights[0]->packed.layout.column_count;
  const std::span<std::byte> kept = l.keep(static_cast<size_t>(column_count * row_count));
  auto* codes = reinterpret_cast<int8_t*>(kept.data());
  int64_t first = 0;
  for (const bundle::Parameter* weight : weights) {
    for (int64_t row = 0; row < weight->packed.layout.row_count; ++row)
      for (int64_t column = 0; column < column_count; ++column)
        codes[column * row_count + first + row] = signed_code(weight->packed, row, column);
    first += weight->packed.layout.row_count;
  }
  return l.initializer(weights[0]->name, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8,
                       {column_count, row_count}, kept.data(), kept.size());
}

std::string convolution_codes(Lowering& l, const bundle::Parameter& weight) {
  const quant::PackedLayout& layout = weight.packed.layout;
  const std::span<std::byte> kept = l.keep(layout.code_bytes());
  auto* codes = reinterpret_cast<int8_t*>(kept.data());
  for (int64_t row = 0; row < layout.row_count; ++row)
    for (int64_t column = 0; column < layout.column_count; ++column)
      *codes++ = signed_code(weight.packed, row, column);
  return l.initializer(weight.name, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8, weight.shape, kept.data(),
                       kept.size());
}

std::string row_scales(Lowering& l, const quant::PackedView& packed,
                       const std::vector<int64_t>& trailing = {}) {
  std::vector<int64_t> shape = {static_cast<int64_t>(packed.scales.size())};
  shape.insert(shape.end(), trailing.begin(), trailing.end());
  return l.constant("scales", ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, shape, packed.scales);
}

std::string zero_s8(Lowering& l) {
  constexpr int8_t zero = 0;
  return l.constant("zero", ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8, {},
                    std::span<const int8_t>(&zero, 1));
}

// The bias in units of the integer sums: x scale * weight scale of each channel. None when a unit
// is so small that bias and largest sum together leave 32 bits: QLinearConv would wrap around.
std::optional<std::vector<int32_t>> integer_bias(std::span<const float> bias,
                                                 const quant::PackedView& packed, float x_scale) {
  constexpr double sum_max = 2147483647.0;
  const double products_max = 255.0 * 128.0 * static_cast<double>(packed.layout.column_count);
  std::vector<int32_t> units;
  for (size_t i = 0; i < bias.size(); ++i) {
    const double unit = static_cast<double>(x_scale) * packed.scale(static_cast<int64_t>(i), 0);
    const double value = bias[i] == 0.0f ? 0.0 : std::nearbyint(bias[i] / unit);
    if (!(std::fabs(value) + products_max <= sum_max)) return std::nullopt;
    units.push_back(static_cast<int32_t>(value));
  }
  return units;
}

// Integer in, integer out. `target` is the value whose codes are written. False, with nothing
// added: the bias is out of an integer's range.
bool add_integer_convolution(Lowering& l, const ir::Node& node, ir::Value target) {
  const bundle::Parameter& weight = l.parameter(node.inputs[1]);
  std::optional<std::vector<int32_t>> bias;
  if (node.inputs.size() > 2) {
    bias = integer_bias(l.parameter(node.inputs[2]).f32(), weight.packed,
                        l.rounding(node.inputs[0]).fit.scale);
    if (!bias) return false;
  }
  const Codes x = l.measured_codes(node.inputs[0]);
  const Codes y = l.claim_codes(target);
  std::vector<std::string> inputs = {
      x.codes,    x.scale, x.zero_point, convolution_codes(l, weight), row_scales(l, weight.packed),
      zero_s8(l), y.scale, y.zero_point};
  if (bias)
    inputs.push_back(l.constant("bias", ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32, {weight.shape[0]},
                                std::span<const int32_t>(*bias)));
  l.node({"QLinearConv",
          "",
          std::move(inputs),
          {y.codes},
          convolution_attributes(node, weight.shape)});
  l.note("conv2d", "QLinearConv, u8 activations, s8 weights");
  return true;
}

// Integer in, f32 out.
void add_dequantizing_convolution(Lowering& l, const ir::Node& node, const Codes& x) {
  const bundle::Parameter& weight = l.parameter(node.inputs[1]);
  const std::string output = l.output(node.output);
  const std::string sums = l.fresh(output);
  const std::string floats = l.fresh(output);
  const std::string scale = l.fresh(output);
  const bool has_bias = node.inputs.size() > 2;
  const std::string product = has_bias ? l.fresh(output) : output;
  l.node({"ConvInteger",
          "",
          {x.codes, convolution_codes(l, weight), x.zero_point, zero_s8(l)},
          {sums},
          convolution_attributes(node, weight.shape)});
  l.node({"Cast", "", {sums}, {floats}, {{"to", int64_t{ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT}}}});
  l.node({"Mul", "", {x.scale, row_scales(l, weight.packed, {1, 1})}, {scale}});
  l.node({"Mul", "", {floats, scale}, {product}});
  if (has_bias) {
    const bundle::Parameter& bias = l.parameter(node.inputs[2]);
    l.node({"Add",
            "",
            {product, l.constant("bias", ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
                                 {weight.shape[0], 1, 1}, bias.f32())},
            {output}});
  }
  l.note("conv2d", "ConvInteger, u8 activations, s8 weights, f32 sums scaled after");
}

// Codes, scale and zero point of each value, as QLinear operators take them.
void append(std::vector<std::string>& inputs, const Codes& codes) {
  inputs.insert(inputs.end(), {codes.codes, codes.scale, codes.zero_point});
}

}  // namespace

Result<void> lower_integer_product(Lowering& l, ir::Value x,
                                   const std::vector<const bundle::Parameter*>& weights,
                                   const std::string& bias, const std::string& output) {
  std::vector<float> all_scales;
  for (const bundle::Parameter* part : weights) {
    QB_CHECK(check_weight(part->packed.layout));
    for (int64_t row = 0; row < part->packed.layout.row_count; ++row)
      all_scales.push_back(part->packed.scale(row, 0));
  }
  const auto row_count = static_cast<int64_t>(all_scales.size());
  const std::string weight = transposed_codes(l, weights, row_count);
  const bool is_one_scale = weights.size() == 1 && weights[0]->packed.layout.per_tensor;
  const std::string scales =
      l.constant("scales", ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, {is_one_scale ? 1 : row_count},
                 std::span<const float>(all_scales).first(is_one_scale ? 1 : all_scales.size()));
  if (l.rounding(x).mode == quant::Activations::by_token) {
    lower_token_product(l, x, weight, scales, bias, output);
    return {};
  }
  std::vector<std::string> inputs;
  std::string op = "DynamicQuantizeMatMul";
  if (l.rounding(x).mode == quant::Activations::measured) {
    const Codes codes = l.measured_codes(x);
    op = "MatMulIntegerToFloat";
    inputs = {codes.codes, weight, codes.scale, scales, codes.zero_point, ""};
  } else {
    inputs = {l.operand(x), weight, scales, ""};
  }
  if (bias.empty())
    inputs.pop_back();
  else
    inputs.push_back(bias);
  l.node({op, microsoft, std::move(inputs), {output}});
  l.note("linear", op + ", u8 activations, s8 weights");
  return {};
}

Result<void> lower_integer_conv2d(Lowering& l, const ir::Node& node) {
  const ir::Value x = node.inputs[0];
  QB_CHECK(check_weight(l.parameter(node.inputs[1]).packed.layout));
  const bool is_measured = l.rounding(x).mode == quant::Activations::measured;
  const ir::Value target = l.rectified(node.output);
  const bool gives_codes = is_measured && l.rounding(target).mode == quant::Activations::measured;
  if (gives_codes && add_integer_convolution(l, node, target)) return {};
  add_dequantizing_convolution(l, node, is_measured ? l.measured_codes(x) : l.run_codes(x));
  if (gives_codes) {
    l.note("conv2d with biases beyond 32 bits",
           "ConvInteger, f32 sums scaled, biases added and rounded after");
  }
  return {};
}

Result<void> lower_integer_add(Lowering& l, const ir::Node& node) {
  std::vector<std::string> inputs;
  for (const ir::Value input : node.inputs) append(inputs, l.measured_codes(input));
  const Codes y = l.claim_codes(l.rectified(node.output));
  inputs.insert(inputs.end(), {y.scale, y.zero_point});
  l.node({"QLinearAdd", microsoft, std::move(inputs), {y.codes}});
  return {};
}

Result<void> lower_integer_average_pool(Lowering& l, const ir::Node& node) {
  std::vector<std::string> inputs;
  append(inputs, l.measured_codes(node.inputs[0]));
  const Codes y = l.claim_codes(node.output);
  inputs.insert(inputs.end(), {y.scale, y.zero_point});
  l.node({"QLinearGlobalAveragePool",
          microsoft,
          std::move(inputs),
          {y.codes},
          {{"channels_last", int64_t{0}}}});
  return {};
}

}  // namespace qb::ort
