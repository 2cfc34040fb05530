#include "measurement/engines/onnxruntime/lowering.h"

#include <algorithm>
#include <cstring>

#include "measurement/lowering/notes.h"

namespace qb::ort {
namespace {

constexpr int onnx_opset = 21;
constexpr size_t copied_bytes_max = 127;  // smaller initializers must be copied into the graph

Ort::OpAttr make_attribute(const std::string& name, const NodeAttribute& value) {
  if (const auto* integer = std::get_if<int64_t>(&value))
    return {name.c_str(), integer, 1, ORT_OP_ATTR_INT};
  if (const auto* real = std::get_if<float>(&value))
    return {name.c_str(), real, 1, ORT_OP_ATTR_FLOAT};
  if (const auto* text = std::get_if<std::string>(&value))
    return {name.c_str(), text->data(), static_cast<int>(text->size()), ORT_OP_ATTR_STRING};
  const auto& list = std::get<std::vector<int64_t>>(value);
  return {name.c_str(), list.data(), static_cast<int>(list.size()), ORT_OP_ATTR_INTS};
}

Ort::ValueInfo describe(const std::string& name, ONNXTensorElementDataType type,
                        const ir::Shape& shape) {
  std::vector<int64_t> dims;
  std::vector<std::string> symbols;
  for (const ir::Dim& dim : shape) {
    dims.push_back(dim.is_fixed() ? dim.extent : -1);
    symbols.emplace_back(dim.is_fixed() ? "" : ir::name_of(dim.symbol));
  }
  const Ort::TensorTypeAndShapeInfo tensor(type, dims, &symbols);
  const Ort::TypeInfo info = Ort::TypeInfo::CreateTensorInfo(tensor.GetConst());
  return Ort::ValueInfo(name, info.GetConst());
}

}  // namespace

std::string past_name(std::string_view state) { return fmt::format("past.{}", state); }
std::string present_name(std::string_view state) { return fmt::format("present.{}", state); }

Lowering::Lowering(const bundle::Bundle& bundle, const worker::CompileOptions& options)
    : bundle_(bundle),
      options_(options),
      memory_(Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeDefault)),
      transformations_(lowering::find_transformations(bundle)) {
  find_fusions();
}

// residual = a + b; norm(residual): one SkipSimplifiedLayerNormalization gives both.
void Lowering::find_fusions() {
  std::map<int32_t, const ir::Node*> adds;
  std::map<int32_t, int> norm_uses;
  for (const ir::Node& node : ir().nodes) {
    const bool same_shapes =
        node.inputs.size() > 1 && ir()[node.inputs[0]].shape == ir()[node.inputs[1]].shape;
    if (node.op == ir::Op::add && same_shapes) adds[node.output.index] = &node;
    if (node.op == ir::Op::rms_norm && is_of_whole_rows(node)) ++norm_uses[node.inputs[0].index];
  }
  for (const auto& [value, add] : adds)
    if (norm_uses[value] == 1) fused_adds_[value] = add;
}

bool Lowering::is_of_whole_rows(const ir::Node& norm) const {
  return ir()[norm.inputs[0]].shape.back() == ir()[norm.inputs[1]].shape.back();
}

bool Lowering::is_projection(const lowering::Join& join) const {
  if (join.size() != 3) return false;
  const ir::Node* attention = ir().only_reader(join[0]->output);
  if (!attention || attention->op != ir::Op::cached_attention ||
      !turns_itself(ir::cached_attention_options(attention->attributes).rotary))
    return false;
  for (size_t i = 0; i < join.size(); ++i)
    if (attention->inputs[i] != join[i]->output || ir().use_count(join[i]->output) != 1 ||
        rounding(join[i]->output).mode == quant::Activations::measured)
      return false;
  return true;
}

const ir::Node* Lowering::fused_add(ir::Value norm_input) const {
  const auto found = fused_adds_.find(norm_input.index);
  return found == fused_adds_.end() ? nullptr : found->second;
}

bool Lowering::is_fused(const ir::Node& add) const { return fused_add(add.output) == &add; }

std::string Lowering::fresh(std::string_view hint) {
  return fmt::format("{}.{}", hint, fresh_count_++);
}

std::span<std::byte> Lowering::keep(size_t size_bytes) {
  if (size_bytes == 0) return {};
  void* data = Ort::AllocatorWithDefaultOptions().Alloc(size_bytes);
  kept_.emplace(data, data);
  std::memset(data, 0, size_bytes);
  return {static_cast<std::byte*>(data), size_bytes};
}

void Lowering::note(std::string_view kind, std::string_view choice) {
  lowering::add_note(notes_, kind, choice);
}

void Lowering::node(const NodeSpec& spec) {
  std::vector<Ort::OpAttr> attributes;
  for (const auto& [name, value] : spec.attributes)
    attributes.push_back(make_attribute(name, value));
  Ort::Node node(spec.op, spec.domain, fresh(spec.op), spec.inputs, spec.outputs, attributes);
  graph_.AddNode(node);
}

std::string Lowering::initializer(std::string_view hint, ONNXTensorElementDataType type,
                                  const std::vector<int64_t>& shape, const void* data,
                                  size_t size_bytes) {
  const std::string name = fresh(hint);
  const bool is_external = size_bytes > copied_bytes_max;
  Ort::AllocatorWithDefaultOptions allocator;
  if (const auto kept = kept_.find(data); kept != kept_.end()) {
    Ort::Value value = Ort::Value::CreateTensor(allocator, kept->second.get(), size_bytes,
                                                shape.data(), shape.size(), type);
    [[maybe_unused]] const void* theirs_now = kept->second.release();
    kept_.erase(kept);
    graph_.AddInitializer(name, value, is_external);
    return name;
  }
  Ort::Value value = Ort::Value::CreateTensor(memory_, const_cast<void*>(data), size_bytes,
                                              shape.data(), shape.size(), type);
  graph_.AddInitializer(name, value, is_external);
  return name;
}

std::string Lowering::integers(std::string_view hint, const std::vector<int64_t>& values) {
  const size_t size_bytes = values.size() * sizeof(int64_t);
  const std::span<std::byte> kept = keep(size_bytes);
  std::memcpy(kept.data(), values.data(), size_bytes);
  return initializer(hint, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64,
                     {static_cast<int64_t>(values.size())}, kept.data(), size_bytes);
}

std::string Lowering::operand(ir::Value value) {
  const ir::ValueInfo& info = ir()[value];
  const bool is_parameter = info.kind == ir::ValueKind::parameter;
  if (!is_parameter && rounding(value).mode != quant::Activations::measured) return info.name;
  std::string& name = operands_[value.index];
  if (!name.empty()) return name;
  if (!is_parameter) {
    const Codes codes = measured_codes(value);
    name = fresh(info.name);
    node({"DequantizeLinear", "", {codes.codes, codes.scale, codes.zero_point}, {name}});
    return name;
  }
  const bundle::Parameter& p = parameter(value);
  return name = float_operand(p.encoding, p.name, p.shape, p.bytes);
}

std::string Lowering::float_operand(bundle::Encoding encoding, std::string_view hint,
                                    const std::vector<int64_t>& shape,
                                    std::span<const std::byte> bytes) {
  const auto type = encoding == bundle::Encoding::f32   ? ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT
                    : encoding == bundle::Encoding::f16 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16
                                                        : ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16;
  const std::string stored = initializer(hint, type, shape, bytes.data(), bytes.size());
  if (encoding == bundle::Encoding::f32) return stored;
  const std::string widened = fresh(hint);
  node({"Cast", "", {stored}, {widened}, {{"to", int64_t{ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT}}}});
  note("16-bit weights", "cast to f32, computed in f32");
  return widened;
}

Codes Lowering::claim_codes(ir::Value value) {
  const quant::ActivationFit fit = rounding(value).fit;
  const auto zero_point = static_cast<uint8_t>(fit.zero_point);
  const Codes codes = {fresh(ir()[value].name + ".codes"),
                       constant("scale", ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, {},
                                std::span<const float>(&fit.scale, 1)),
                       constant("zero_point", ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8, {},
                                std::span<const uint8_t>(&zero_point, 1))};
  codes_[value.index] = codes;
  return codes;
}

Codes Lowering::measured_codes(ir::Value value) {
  if (const auto found = codes_.find(value.index); found != codes_.end()) return found->second;
  const Codes codes = claim_codes(value);
  node({"QuantizeLinear", "", {output(value), codes.scale, codes.zero_point}, {codes.codes}});
  return codes;
}

Codes Lowering::run_codes(ir::Value value) {
  Codes& codes = run_codes_[value.index];
  if (!codes.codes.empty()) return codes;
  const std::string x = operand(value);
  if (rounding(value).mode == quant::Activations::by_token)
    return codes = add_token_codes(*this, x);
  codes = {fresh(x + ".codes"), fresh(x + ".scale"), fresh(x + ".zero_point")};
  node({"DynamicQuantizeLinear", "", {x}, {codes.codes, codes.scale, codes.zero_point}});
  return codes;
}

void Lowering::set_inputs_and_outputs() {
  std::vector<Ort::ValueInfo> inputs;
  std::vector<Ort::ValueInfo> outputs;
  for (const ir::Value value : ir().of_kind(ir::ValueKind::input)) {
    const ir::ValueInfo& info = ir()[value];
    inputs.push_back(describe(info.name,
                              info.type == ElementType::f32 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT
                                                            : ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64,
                              info.shape));
  }
  for (const ir::Value value : ir().outputs)
    outputs.push_back(
        describe(ir()[value].name, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, ir()[value].shape));
  const auto states = ir().of_kind(ir::ValueKind::state);
  for (const ir::Value value : states) {
    const ir::ValueInfo& info = ir()[value];
    inputs.push_back(
        describe(past_name(info.name), ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, info.shape));
    outputs.push_back(
        describe(present_name(info.name), ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, info.shape));
  }
  if (!states.empty()) {
    inputs.push_back(
        describe(last_index_input, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32, {ir::Symbol::batch}));
    inputs.push_back(describe(total_tokens_input, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32, {1}));
  }
  graph_.SetInputs(inputs);
  graph_.SetOutputs(outputs);
}

Result<Ort::Model> Lowering::build() {
  QB_CHECK(lowering::lower_nodes(lowerings(), *this, "ONNX Runtime's engine"));
  set_inputs_and_outputs();
  Ort::Model model({{"", onnx_opset}, {"com.microsoft", 1}});
  model.AddGraph(graph_);
  return model;
}

const lowering::Table<Lowering>& lowerings() {
  static const lowering::Table<Lowering> table = {linear_lowerings(),    conv2d_lowerings(),
                                                  attention_lowerings(), norm_lowerings(),
                                                  row_lowerings(),       simple_lowerings()};
  return table;
}

}  // namespace qb::ort
