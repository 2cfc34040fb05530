#include "measurement/engines/onnxruntime/file_session.h"

#include <algorithm>

#include "measurement/engines/onnxruntime/assignment.h"

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

// The dimensions as the file has them; "?" is some exporters' lack of a name.
std::vector<std::string> symbols_of(const Ort::ConstTensorTypeAndShapeInfo& info) {
  std::vector<std::string> symbols;
  for (const char* symbol : info.GetSymbolicDimensions())
    symbols.emplace_back(std::string_view(symbol) == "?" ? "" : symbol);
  return symbols;
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
    input.is_rank_known = shape.HasShape();
    input.shape = shape.GetShape();
    input.symbols = symbols_of(shape);
    inputs.push_back(std::move(input));
  }
  bound_inputs_.resize(inputs.size());
  return {};
}

Result<void> OrtFileSession::read_outputs() {
  const Ort::AllocatorWithDefaultOptions allocator;
  for (size_t i = 0; i < session_.GetOutputCount(); ++i) {
    Output output = {.name = session_.GetOutputNameAllocated(i, allocator).get()};
    const Ort::TypeInfo info = session_.GetOutputTypeInfo(i);
    QB_TRY(output.type, type_of(info, "output", output.name));
    const auto shape = info.GetTensorTypeAndShapeInfo();
    if (shape.HasShape()) output.shape = shape.GetShape();
    output.symbols = symbols_of(shape);
    outputs_of_file_.push_back(std::move(output));
  }
  return {};
}

std::vector<std::string> OrtFileSession::output_names() const {
  std::vector<std::string> names;
  for (const Output& output : outputs_of_file_) names.push_back(output.name);
  return names;
}

// Gives whether its shape has changed.
bool OrtFileSession::bind_input(size_t index, const TensorView& tensor) {
  BoundInput& bound = bound_inputs_[index];
  const bool is_same_shape = bound.value && std::ranges::equal(bound.shape, tensor.shape);
  if (is_same_shape && bound.data == tensor.data) return false;
  static std::byte nothing;  // an array without elements still has a place
  bound.data = tensor.data;
  bound.shape.assign(tensor.shape.begin(), tensor.shape.end());
  bound.value = Ort::Value::CreateTensor(
      memory_, tensor.data ? const_cast<void*>(tensor.data) : &nothing, tensor.size_bytes(),
      bound.shape.data(), bound.shape.size(), onnx_type_of(tensor.type));
  binding_.BindInput((*inputs_)[index].name.c_str(), bound.value);
  return !is_same_shape;
}

// The output's shape, where the shapes of the inputs tell it.
std::optional<std::vector<int64_t>> OrtFileSession::shape_of(const Output& output) const {
  if (!output.shape) return std::nullopt;
  std::vector<int64_t> shape = *output.shape;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] >= 0) continue;
    const auto extent = extents_.find(output.symbols[i]);
    if (extent == extents_.end()) return std::nullopt;
    shape[i] = extent->second;
  }
  return shape;
}

// Memory for what can be known; the rest ONNX Runtime allocates at each run, so that it must be let
// go before the next: a run may give another shape.
void OrtFileSession::bind_outputs(bool has_new_shapes) {
  if (has_new_shapes) {
    extents_.clear();
    for (size_t i = 0; i < inputs_->size(); ++i) {
      const worker::FileInput& input = (*inputs_)[i];
      for (size_t axis = 0; axis < input.symbols.size() && axis < bound_inputs_[i].shape.size();
           ++axis)
        if (!input.symbols[axis].empty())
          extents_.emplace(input.symbols[axis], bound_inputs_[i].shape[axis]);
    }
  }
  const Ort::AllocatorWithDefaultOptions allocator;
  for (Output& output : outputs_of_file_) {
    if (!has_new_shapes && output.is_bound) continue;
    const auto shape = may_bind_outputs_ ? shape_of(output) : std::nullopt;
    output.is_bound = shape.has_value();
    if (!shape) {
      binding_.BindOutput(output.name.c_str(), memory_);
      continue;
    }
    output.value = Ort::Value::CreateTensor(allocator, shape->data(), shape->size(),
                                            onnx_type_of(output.type));
    binding_.BindOutput(output.name.c_str(), output.value);
  }
}

Result<void> OrtFileSession::stage(const worker::StepInputs& inputs) try {
  outputs_.clear();
  output_values_.clear();
  bool has_new_shapes = !is_bound_once_;  // a model may have no inputs
  for (size_t i = 0; i < inputs.tensors.size(); ++i)
    has_new_shapes |= bind_input(i, inputs.tensors[i]);
  bind_outputs(has_new_shapes);
  is_bound_once_ = true;
  is_staged_ = true;
  return {};
} catch (const Ort::Exception& error) {
  return fail(Errc::framework_failed, "ONNX Runtime: {}", error.what());
}

Result<void> OrtFileSession::run(const worker::StepInputs& inputs) {
  if (!is_staged_) QB_CHECK(stage(inputs));
  is_staged_ = false;
  Result<void> done = run_bound();
  const auto is_bound = [](const Output& output) { return output.is_bound; };
  if (done || !std::ranges::any_of(outputs_of_file_, is_bound)) return done;
  // A file may be wrong about its outputs' shapes, which ONNX Runtime minds only where they are
  // bound.
  may_bind_outputs_ = false;
  try {
    bind_outputs(true);
  } catch (const Ort::Exception& error) {
    return fail(Errc::framework_failed, "ONNX Runtime: {}", error.what());
  }
  return run_bound();
}

Result<void> OrtFileSession::run_bound() try {
  session_.Run(Ort::RunOptions{nullptr}, binding_);
  return {};
} catch (const Ort::Exception& error) {
  return fail(Errc::framework_failed, "ONNX Runtime: {}", error.what());
}

std::span<const TensorView> OrtFileSession::outputs() const {
  if (!outputs_.empty()) return outputs_;
  output_values_ = binding_.GetOutputValues();
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
  std::vector<std::string> allocated;
  for (const Output& output : outputs_of_file_)
    if (!output.is_bound) allocated.push_back(output.name);
  Json json = Json::object({{"device", "cpu"},
                            {"kernels", to_json(assignment.kernels)},
                            {"providers", to_json(assignment.providers)},
                            {"thread_count", options_.thread_count}});
  // Their shapes aren't known before: the allocation is part of what is timed.
  if (!allocated.empty()) json.set("outputs_allocated_in_run", Json::array_of(allocated));
  return json;
}

}  // namespace qb::ort
