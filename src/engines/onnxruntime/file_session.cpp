#include "engines/onnxruntime/file_session.h"

#include <algorithm>

#include "engines/onnxruntime/assignment.h"

namespace qb::ort {
namespace {

struct TypeRow {
  ONNXTensorElementDataType onnx;
  ElementType type;
};
constexpr TypeRow type_rows[] = {
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, ElementType::f32},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE, ElementType::f64},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16, ElementType::f16},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16, ElementType::bf16},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, ElementType::i64},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32, ElementType::i32},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16, ElementType::i16},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8, ElementType::i8},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8, ElementType::u8},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL, ElementType::boolean},
};

// The element type of an input or output that is a tensor of a type we know.
Result<ElementType> type_of(const Ort::TypeInfo& info, std::string_view what,
                            std::string_view name) {
  if (info.GetONNXType() != ONNX_TYPE_TENSOR)
    return fail(Errc::unsupported, "{} {} is no tensor: qbench runs models of tensors only", what,
                name);
  const ONNXTensorElementDataType onnx = info.GetTensorTypeAndShapeInfo().GetElementType();
  const auto row = std::ranges::find(type_rows, onnx, &TypeRow::onnx);
  if (row == std::end(type_rows))
    return fail(Errc::unsupported,
                "{} {} has elements of ONNX type {}, which qbench doesn't give (strings, unsigned "
                "integers beyond 8 bits, complex numbers, 4- and 8-bit floats)",
                what, name, static_cast<int>(onnx));
  return row->type;
}

ONNXTensorElementDataType onnx_type_of(ElementType type) {
  return std::ranges::find(type_rows, type, &TypeRow::type)->onnx;
}

ElementType type_of(const Ort::Value& value) {
  const auto onnx = value.GetTensorTypeAndShapeInfo().GetElementType();
  return std::ranges::find(type_rows, onnx, &TypeRow::onnx)->type;
}

}  // namespace

Result<std::unique_ptr<worker::FileSession>> OrtFileSession::make(
    Ort::Session session, const worker::CompileOptions& options,
    std::set<std::string> other_files) {
  std::unique_ptr<OrtFileSession> made(
      new OrtFileSession(std::move(session), options, std::move(other_files)));
  QB_CHECK(made->read_inputs());
  QB_CHECK(made->read_outputs());
  return std::unique_ptr<worker::FileSession>(std::move(made));
}

Result<void> OrtFileSession::read_inputs() {
  const Ort::AllocatorWithDefaultOptions allocator;
  std::vector<worker::FileInput>& inputs = inputs_.emplace();
  for (size_t i = 0; i < session_.GetInputCount(); ++i) {
    worker::FileInput input = {.name = session_.GetInputNameAllocated(i, allocator).get()};
    const Ort::TypeInfo info = session_.GetInputTypeInfo(i);
    QB_TRY(input.type, type_of(info, "input", input.name));
    const auto shape = info.GetTensorTypeAndShapeInfo();
    input.shape = shape.GetShape();
    for (const char* symbol : shape.GetSymbolicDimensions())  // "?": some exporters' lack of one
      input.symbols.emplace_back(std::string_view(symbol) == "?" ? "" : symbol);
    inputs.push_back(std::move(input));
  }
  for (const worker::FileInput& input : inputs) input_pointers_.push_back(input.name.c_str());
  return {};
}

Result<void> OrtFileSession::read_outputs() {
  const Ort::AllocatorWithDefaultOptions allocator;
  for (size_t i = 0; i < session_.GetOutputCount(); ++i) {
    output_names_.emplace_back(session_.GetOutputNameAllocated(i, allocator).get());
    QB_CHECK(type_of(session_.GetOutputTypeInfo(i), "output", output_names_.back()));
  }
  for (const std::string& name : output_names_) output_pointers_.push_back(name.c_str());
  return {};
}

Result<void> OrtFileSession::run(const worker::StepInputs& inputs) try {
  input_values_.clear();
  for (const TensorView& tensor : inputs.tensors)
    input_values_.push_back(Ort::Value::CreateTensor(
        memory_, const_cast<void*>(tensor.data), tensor.size_bytes(), tensor.shape.data(),
        tensor.shape.size(), onnx_type_of(tensor.type)));
  outputs_.clear();
  output_values_ =
      session_.Run(Ort::RunOptions{nullptr}, input_pointers_.data(), input_values_.data(),
                   input_values_.size(), output_pointers_.data(), output_pointers_.size());
  return {};
} catch (const Ort::Exception& error) {
  return fail(Errc::framework_failed, "ONNX Runtime: {}", error.what());
}

std::span<const TensorView> OrtFileSession::outputs() const {
  if (!outputs_.empty() || output_values_.empty()) return outputs_;
  output_shapes_.clear();
  for (const Ort::Value& value : output_values_)
    output_shapes_.push_back(value.GetTensorTypeAndShapeInfo().GetShape());
  for (size_t i = 0; i < output_values_.size(); ++i)
    outputs_.push_back(
        {type_of(output_values_[i]), output_shapes_[i], output_values_[i].GetTensorRawData()});
  return outputs_;
}

Json OrtFileSession::actual() const {
  const Assignment assignment = assignment_of(session_);
  return Json::object({{"device", "cpu"},
                       {"kernels", to_json(assignment.kernels)},
                       {"providers", to_json(assignment.providers)},
                       {"thread_count", options_.thread_count}});
}

}  // namespace qb::ort
