// conv2d and batch_norm.
#include "compression/quant/unpacked_blocks.h"
#include "measurement/engines/onnxruntime/matmul_nbits_weight.h"

namespace qb::ort {

NodeAttributes convolution_attributes(const ir::Node& node, std::span<const int64_t> weight_shape) {
  const auto stride = node.attributes.integers("stride");
  const auto padding = node.attributes.integers("padding");
  return {{"kernel_shape", std::vector<int64_t>{weight_shape[2], weight_shape[3]}},
          {"strides", std::vector<int64_t>(stride.begin(), stride.end())},
          {"pads", std::vector<int64_t>(padding.begin(), padding.end())},
          {"group", node.attributes.integer("group_count")}};
}

namespace {

// Codes, scales and zero points of a weight as DequantizeLinear takes them.
struct Stored {
  quant::PackedView packed;
  quant::UnpackedBlocks blocks;  // what `packed` views when the weight is in a block format
};

Result<Stored> stored_weight(const bundle::Parameter& weight) {
  if (weight.packed.layout.has_minimums)
    return fail(Errc::unsupported,
                "ONNX Runtime has no convolution of quantized weights, and its DequantizeLinear "
                "takes no minimums");
  if (weight.encoding == bundle::Encoding::packed) return Stored{weight.packed, {}};
  const int64_t column_count = static_cast<int64_t>(element_count(weight.shape)) / weight.shape[0];
  Stored stored;
  stored.blocks = quant::unpack_blocks(weight.block, weight.bytes, weight.shape[0], column_count);
  if (!stored.blocks.minimums.empty())
    return fail(Errc::unsupported,
                "ONNX Runtime has no convolution of {} weights, and its DequantizeLinear takes no "
                "minimums",
                ggml::row_of(weight.block).name);
  stored.packed = {stored.blocks.layout, stored.blocks.codes, stored.blocks.scales, {}};
  return stored;
}

// ONNX Runtime has no convolution with weight-only quantized weights: they are stored packed and
// DequantizeLinear makes them f32.
Result<std::string> dequantized_weight(Lowering& l, const bundle::Parameter& weight) {
  QB_TRY(const Stored stored, stored_weight(weight));
  const quant::PackedView& packed = stored.packed;
  const quant::PackedLayout& layout = packed.layout;
  const int64_t group_count = layout.groups_per_row();
  const int64_t stored_columns =
      group_count == 1 ? layout.column_count : group_count * layout.group_size;
  const auto type =
      layout.bits == 4 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT4 : ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8;
  const TightWeight tight = tighten(packed, stored_columns);
  const std::string codes = l.constant(weight.name, type, {layout.row_count, stored_columns},
                                       std::span<const uint8_t>(tight.codes));
  const std::vector<int64_t> scale_shape =
      layout.per_tensor  ? std::vector<int64_t>{}
      : group_count == 1 ? std::vector<int64_t>{layout.row_count}
                         : std::vector<int64_t>{layout.row_count, group_count};
  const std::string scales =
      l.constant(weight.name, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, scale_shape, packed.scales);
  const std::string zero_points =
      l.constant(weight.name, type, scale_shape, std::span<const uint8_t>(tight.zero_points));
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

Result<void> lower_conv2d(Lowering& l, const ir::Node& node) {
  const bundle::Parameter& weight = l.parameter(node.inputs[1]);
  if (weight.encoding == bundle::Encoding::packed &&
      l.rounding(node.inputs[0]).mode != quant::Activations::none)
    return lower_integer_conv2d(l, node);
  if (const ir::Node* norm = l.transformations().norm_folded_into(node)) {
    const lowering::FoldedConvolution folded = lowering::fold(l.bundle(), {&node, norm});
    const std::string kernel = l.constant(weight.name, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
                                          weight.shape, std::span<const float>(folded.weight));
    const std::string bias = l.constant("bias", ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
                                        {weight.shape[0]}, std::span<const float>(folded.bias));
    l.node({"Conv",
            "",
            {l.operand(node.inputs[0]), kernel, bias},
            {l.output(norm->output)},
            convolution_attributes(node, weight.shape)});
    return {};
  }
  std::string kernel;
  if (weight.encoding == bundle::Encoding::packed || weight.encoding == bundle::Encoding::block) {
    QB_TRY(kernel, dequantized_weight(l, weight));
  } else {
    kernel = l.operand(node.inputs[1]);
  }
  std::vector<std::string> inputs = {l.operand(node.inputs[0]), kernel};
  if (node.inputs.size() > 2) inputs.push_back(l.operand(node.inputs[2]));
  l.node({"Conv",
          "",
          std::move(inputs),
          {l.output(node.output)},
          convolution_attributes(node, weight.shape)});
  return {};
}

Result<void> lower_batch_norm(Lowering& l, const ir::Node& node) {
  if (l.transformations().is_folded(node)) return {};
  std::vector<std::string> inputs;
  for (const ir::Value input : node.inputs) inputs.push_back(l.operand(input));
  l.node({"BatchNormalization",
          "",
          std::move(inputs),
          {l.output(node.output)},
          {{"epsilon", static_cast<float>(node.attributes.real("epsilon"))}}});
  return {};
}

constexpr LoweringRow rows[] = {
    {ir::Op::conv2d, lower_conv2d},
    {ir::Op::batch_norm, lower_batch_norm},
};

}  // namespace

std::span<const LoweringRow> conv2d_lowerings() { return rows; }

}  // namespace qb::ort
