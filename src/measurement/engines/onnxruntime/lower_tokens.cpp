// 8-bit activations with a scale for each token, composed of ONNX operators: no operator of ONNX
// Runtime takes a scale a row for a product's first operand.
#include <limits>

#include "measurement/engines/onnxruntime/lowering.h"

namespace qb::ort {
namespace {

std::string scalar(Lowering& l, std::string_view hint, float value) {
  return l.constant(hint, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, {},
                    std::span<const float>(&value, 1));
}

std::string apply(Lowering& l, const char* op, std::vector<std::string> inputs,
                  NodeAttributes attributes = {}) {
  std::string output = l.fresh(inputs[0]);
  l.node({op, "", std::move(inputs), {output}, std::move(attributes)});
  return output;
}

}  // namespace

// The scale is that of quant::fit_token. Signed codes are stored as u8 about 128: products of u8
// and s8 run in integers on every processor that ONNX Runtime supports, those of two s8 do not.
Codes add_token_codes(Lowering& l, const std::string& x) {
  constexpr uint8_t middle = 128;
  const std::string zero_point = l.constant("zero_point", ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8, {},
                                            std::span<const uint8_t>(&middle, 1));
  const std::string sizes = apply(l, "Abs", {x});
  const std::string largest = apply(l, "ReduceMax", {sizes, l.integers("axes", {-1})});
  const std::string steps = apply(l, "Div", {largest, scalar(l, "steps", 127.0f)});
  const std::string scale =
      apply(l, "Max", {steps, scalar(l, "smallest", std::numeric_limits<float>::min())});
  const std::string units = apply(l, "Div", {x, scale});
  return {apply(l, "QuantizeLinear", {units, scalar(l, "one", 1.0f), zero_point}), scale,
          zero_point};
}

void lower_token_product(Lowering& l, ir::Value x, const std::string& weight,
                         const std::string& weight_scales, const std::string& bias,
                         const std::string& output) {
  const Codes codes = l.run_codes(x);
  const std::string sums = apply(l, "MatMulInteger", {codes.codes, weight, codes.zero_point});
  const std::string floats =
      apply(l, "Cast", {sums}, {{"to", int64_t{ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT}}});
  const std::string scaled = apply(l, "Mul", {floats, codes.scale});
  const std::string product = bias.empty() ? output : l.fresh(output);
  l.node({"Mul", "", {scaled, weight_scales}, {product}});
  if (!bias.empty()) l.node({"Add", "", {product, bias}, {output}});
  l.note("linear",
         "MatMulInteger, u8 activations with a scale for each token, s8 weights, f32 sums scaled "
         "after");
}

}  // namespace qb::ort
