#include "measurement/engines/onnxruntime/session.h"

#include <algorithm>

#include "measurement/engines/onnxruntime/assignment.h"
#include "measurement/lowering/notes.h"
#include "network/ir/inputs.h"

namespace qb::ort {
OrtSession::OrtSession(const bundle::Bundle& bundle, const worker::CompileOptions& options,
                       Ort::Session session, Json notes, Json transformations)
    : bundle_(bundle),
      options_(options),
      session_(std::move(session)),
      memory_(Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeDefault)),
      binding_(session_),
      notes_(std::move(notes)),
      transformations_(std::move(transformations)),
      last_index_(static_cast<size_t>(options.batch)) {
  const ir::Graph& graph = bundle.graph();
  for (const ir::Value value : graph.of_kind(ir::ValueKind::input))
    inputs_.push_back({.name = graph[value].name});
  for (const ir::Value value : graph.outputs) bound_outputs_.push_back({.value = value});
  bind_states();
}

// Past and present are the same memory: attention appends in place.
void OrtSession::bind_states() {
  const ir::Graph& graph = bundle_.graph();
  const auto states = graph.of_kind(ir::ValueKind::state);
  if (states.empty()) return;
  for (const ir::Value state : states) {
    const std::vector<int64_t> shape = ir::bind(graph[state].shape, worker::extents_of(options_));
    std::vector<float>& cache = caches_.emplace_back(element_count(shape), 0.0f);
    const Ort::Value& value = constant_values_.emplace_back(Ort::Value::CreateTensor<float>(
        memory_, cache.data(), cache.size(), shape.data(), shape.size()));
    binding_.BindInput(past_name(graph[state].name).c_str(), value);
    binding_.BindOutput(present_name(graph[state].name).c_str(), value);
  }
  const int64_t batch_shape[] = {options_.batch};
  const int64_t one[] = {1};
  constant_values_.push_back(Ort::Value::CreateTensor<int32_t>(memory_, last_index_.data(),
                                                               last_index_.size(), batch_shape, 1));
  binding_.BindInput(last_index_input, constant_values_.back());
  constant_values_.push_back(Ort::Value::CreateTensor<int32_t>(memory_, &total_tokens_, 1, one, 1));
  binding_.BindInput(total_tokens_input, constant_values_.back());
}

void OrtSession::bind_input(BoundInput& bound, const TensorView& tensor) {
  if (bound.data == tensor.data && std::ranges::equal(bound.shape, tensor.shape)) return;
  bound.data = tensor.data;
  bound.shape.assign(tensor.shape.begin(), tensor.shape.end());
  const bool is_f32 = tensor.type == ElementType::f32;
  bound.value = Ort::Value::CreateTensor(
      memory_, const_cast<void*>(tensor.data), tensor.element_count() * (is_f32 ? 4 : 8),
      bound.shape.data(), bound.shape.size(),
      is_f32 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT : ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64);
  binding_.BindInput(bound.name.c_str(), bound.value);
}

void OrtSession::bind_output(BoundOutput& bound, const ir::Extents& extents) {
  const ir::ValueInfo& output = bundle_.graph()[bound.value];
  std::vector<int64_t> shape = ir::bind(output.shape, extents);
  if (shape == bound.shape) return;
  bound.shape = std::move(shape);
  bound.values.resize(element_count(bound.shape));
  bound.tensor = Ort::Value::CreateTensor<float>(memory_, bound.values.data(), bound.values.size(),
                                                 bound.shape.data(), bound.shape.size());
  binding_.BindOutput(output.name.c_str(), bound.tensor);
}

Result<void> OrtSession::stage(const worker::StepInputs& inputs) try {
  QB_TRY(const ir::Extents extents,
         ir::extents_of(bundle_.graph(), inputs.tensors, worker::extents_of(options_),
                        inputs.past_tokens));
  const int64_t token_count = extents.of(ir::Symbol::sequence);
  if (!caches_.empty() && options_.batch > 1 && token_count > 1 && inputs.past_tokens > 0)
    return fail(Errc::unsupported,
                "ONNX Runtime's GroupQueryAttention takes several tokens after others in a batch "
                "of 1 only, not of {}",
                options_.batch);
  for (size_t i = 0; i < inputs_.size(); ++i) bind_input(inputs_[i], inputs.tensors[i]);
  outputs_.clear();
  for (BoundOutput& bound : bound_outputs_) {
    bind_output(bound, extents);
    outputs_.push_back({ElementType::f32, bound.shape, bound.values.data()});
  }
  total_tokens_ = static_cast<int32_t>(inputs.past_tokens + token_count);
  std::ranges::fill(last_index_, total_tokens_ - 1);
  is_staged_ = true;
  return {};
} catch (const Ort::Exception& error) {
  return fail(Errc::framework_failed, "ONNX Runtime: {}", error.what());
}

Result<void> OrtSession::run(const worker::StepInputs& inputs) try {
  if (!is_staged_) QB_CHECK(stage(inputs));
  is_staged_ = false;
  session_.Run(Ort::RunOptions{nullptr}, binding_);
  return {};
} catch (const Ort::Exception& error) {
  return fail(Errc::framework_failed, "ONNX Runtime: {}", error.what());
}

Json OrtSession::actual() const {
  Assignment assignment = assignment_of(session_);
  Json notes = notes_;
  if (notes["conv2d"].as_string().ends_with("dequantized"))
    notes.set("conv2d",
              fmt::format("{} {}", notes["conv2d"].as_string(),
                          assignment.kernels["DequantizeLinear"] > 0 ? "at each run" : "at load"));
  return Json::object({{"device", "cpu"},
                       {"compute_type", lowering::describe_computing(notes)},
                       {"kernels", to_json(assignment.kernels)},
                       {"providers", to_json(assignment.providers)},
                       {"transformations", transformations_},
                       {"thread_count", options_.thread_count}});
}

}  // namespace qb::ort
