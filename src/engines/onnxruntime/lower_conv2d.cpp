// conv2d and batch_norm.
#include <cstring>

#include "engines/onnxruntime/blocked.h"

namespace qb::ort {
namespace {

std::string kept_initializer(Lowering& l, const std::string& hint, ONNXTensorElementDataType type,
                             const std::vector<int64_t>& shape, std::span<const uint8_t> bytes) {
  std::vector<std::byte>& kept = l.keep(bytes.size());
  std::memcpy(kept.data(), bytes.data(), bytes.size());
  return l.initializer(hint, type, shape, kept.data(), kept.size());
}

// ONNX Runtime has no convolution with weight-only quantized weights: they are stored packed and
// DequantizeLinear makes them f32.
std::string dequantized_weight(Lowering& l, const bundle::Parameter& weight) {
  const quant::PackedView& packed = weight.packed;
  const quant::PackedLayout& layout = packed.layout;
  const int64_t group_count = layout.groups_per_row();
  const int64_t stored_columns =
      group_count == 1 ? layout.column_count : group_count * layout.group_size;
  const auto type =
      layout.bits == 4 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT4 : ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8;
  const TightWeight tight = tighten(packed, stored_columns);
  const std::string codes =
      kept_initializer(l, weight.name, type, {layout.row_count, stored_columns}, tight.codes);
  const std::vector<int64_t> scale_shape =
      group_count == 1 ? std::vector<int64_t>{layout.row_count}
                       : std::vector<int64_t>{layout.row_count, group_count};
  const std::string scales =
      l.initializer(weight.name, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, scale_shape,
                    packed.scales.data(), packed.scales.size_bytes());
  const std::string zero_points =
      kept_initializer(l, weight.name, type, scale_shape, tight.zero_points);
  std::string current = l.fresh(weight.name);
  NodeAttributes attributes = {{"axis", int64_t{group_count == 1 ? 0 : 1}}};
  if (group_count > 1) attributes.emplace_back("block_size", layout.group_size);
  l.node({"DequantizeLinear", "", {codes, scales, zero_points}, {current}, std::move(attributes)});
  if (stored_columns != layout.column_count) {
    const std::string padded = std::exchange(current, l.fresh(weight.name));
    l.node({"Slice",
            "",
            {padded, l.integers("starts", {0}), l.integers("ends", {layout.column_count}),
             l.integers("axes", {1})},
            {current}});
  }
  const std::string flat = std::exchange(current, l.fresh(weight.name));
  l.node({"Reshape", "", {flat, l.integers("shape", weight.shape)}, {current}});
  l.note("conv2d", "Conv in f32; its weights are stored packed and dequantized");
  return current;
}

}  // namespace

Result<void> lower_conv2d(Lowering& l, const ir::Node& node) {
  const bundle::Parameter& weight = l.parameter(node.inputs[1]);
  const std::string kernel = weight.encoding == bundle::Encoding::packed
                                 ? dequantized_weight(l, weight)
                                 : l.operand(node.inputs[1]);
  std::vector<std::string> inputs = {l.operand(node.inputs[0]), kernel};
  if (node.inputs.size() > 2) inputs.push_back(l.operand(node.inputs[2]));
  const auto stride = node.attributes.integers("stride");
  const auto padding = node.attributes.integers("padding");
  l.node({"Conv",
          "",
          std::move(inputs),
          {l.operand(node.output)},
          {{"kernel_shape", std::vector<int64_t>{weight.shape[2], weight.shape[3]}},
           {"strides", std::vector<int64_t>(stride.begin(), stride.end())},
           {"pads", std::vector<int64_t>(padding.begin(), padding.end())},
           {"group", node.attributes.integer("group_count")}}});
  return {};
}

Result<void> lower_batch_norm(Lowering& l, const ir::Node& node) {
  std::vector<std::string> inputs;
  for (const ir::Value input : node.inputs) inputs.push_back(l.operand(input));
  l.node({"BatchNormalization",
          "",
          std::move(inputs),
          {l.operand(node.output)},
          {{"epsilon", static_cast<float>(node.attributes.real("epsilon"))}}});
  return {};
}

}  // namespace qb::ort
