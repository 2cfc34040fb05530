#include "measurement/engines/pytorch/session.h"

#include "measurement/engines/pytorch/allocator.h"
#include "measurement/engines/pytorch/failure.h"
#include "measurement/lowering/notes.h"
#include "network/ir/inputs.h"

namespace qb::pytorch {
namespace {

void use_threads(int64_t count) {
  if (at::get_num_threads() != count) at::set_num_threads(static_cast<int>(count));
}

at::Tensor view_of(const TensorView& tensor) {
  return at::from_blob(
      const_cast<void*>(tensor.data), tensor.shape,
      at::TensorOptions().dtype(tensor.type == ElementType::f32 ? at::kFloat : at::kLong));
}

}  // namespace

PytorchSession::PytorchSession(const bundle::Bundle& bundle, const worker::CompileOptions& options,
                               Lowering lowering, Program program)
    : bundle_(bundle),
      options_(options),
      lowering_(std::move(lowering)),
      program_(std::move(program)),
      input_slots_(lowering_.input_slots()),
      output_slots_(lowering_.output_slots()),
      frame_{std::vector<at::Tensor>(program_.slot_count())},
      results_(output_slots_.size()),
      outputs_(output_slots_.size()) {}

Result<std::unique_ptr<worker::Session>> PytorchSession::compile(
    const bundle::Bundle& bundle, const worker::CompileOptions& options, at::Device device,
    const Kernels& has) try {
  const c10::InferenceMode inference;
  keep_freed_memory();
  at::set_num_threads(static_cast<int>(options.thread_count));  // of QNNPACK's pool too
  Lowering lowering(bundle, options, device, has);
  QB_TRY(Program program, lowering.build());
  bundle.drop_resident_pages();  // the weights are copied or packed
  return std::unique_ptr<worker::Session>(
      new PytorchSession(bundle, options, std::move(lowering), std::move(program)));
} catch (const std::exception& error) {
  return failure(error);
}

// On the host: this also waits for a device.
void PytorchSession::take_outputs() {
  for (size_t i = 0; i < output_slots_.size(); ++i) {
    results_[i] = frame_.slots[output_slots_[i]].to(at::kCPU).contiguous();
    frame_.slots[output_slots_[i]].reset();
    outputs_[i] = {ElementType::f32,
                   {results_[i].sizes().data(), results_[i].sizes().size()},
                   results_[i].const_data_ptr()};
  }
}

// Pictures channel by channel for each point, as the convolutions take them.
Result<void> PytorchSession::stage(const worker::StepInputs& inputs) try {
  const c10::InferenceMode inference;
  staged_.clear();
  for (const TensorView& input : inputs.tensors) {
    const at::Tensor tensor = view_of(input).to(lowering_.device());
    staged_.push_back(tensor.dim() == 4 ? tensor.contiguous(at::MemoryFormat::ChannelsLast)
                                        : tensor);
  }
  return {};
} catch (const std::exception& error) {
  return failure(error);
}

Result<void> PytorchSession::run(const worker::StepInputs& inputs) try {
  QB_TRY([[maybe_unused]] const ir::Extents extents,
         ir::extents_of(bundle_.graph(), inputs.tensors, worker::extents_of(options_),
                        inputs.past_tokens));
  if (staged_.empty()) {
    QB_CHECK(stage(inputs));
  }
  const c10::InferenceMode inference;
  use_threads(options_.thread_count);
  frame_.past_tokens = inputs.past_tokens;
  for (size_t i = 0; i < input_slots_.size(); ++i)
    frame_.slots[input_slots_[i]] = std::move(staged_[i]);
  staged_.clear();
  program_.run(frame_);
  take_outputs();
  return {};
} catch (const std::exception& error) {
  return failure(error);
}

Json PytorchSession::actual() const {
  Json kernels = Json::object({});
  for (const auto& [name, count] : lowering_.kernels()) kernels.set(name, count);
  return Json::object(
      {{"device", options_.device},
       {"compute_type", lowering::describe_computing(lowering_.notes()) + note_of(lowering_.has())},
       {"kernels", std::move(kernels)},
       {"transformations", lowering::describe(bundle_, lowering_.transformations())},
       {"allocator", keep_freed_memory()},
       {"thread_count", static_cast<int64_t>(at::get_num_threads())}});
}

}  // namespace qb::pytorch
