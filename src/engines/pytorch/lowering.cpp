#include "engines/pytorch/lowering.h"

#include <algorithm>

namespace qb::pytorch {

at::Tensor Lowering::tensor_of(const void* data, at::IntArrayRef shape, at::ScalarType type) const {
  return at::from_blob(const_cast<void*>(data), shape, at::TensorOptions().dtype(type))
      .to(device_, type, /*non_blocking=*/false, /*copy=*/true);
}

at::Tensor Lowering::stored_tensor(const bundle::Parameter& p) const {
  const at::ScalarType type = p.encoding == bundle::Encoding::f16    ? at::kHalf
                              : p.encoding == bundle::Encoding::bf16 ? at::kBFloat16
                                                                     : at::kFloat;
  return at::from_blob(const_cast<std::byte*>(p.bytes.data()), p.shape,
                       at::TensorOptions().dtype(type))
      .to(device_);
}

at::Tensor Lowering::f32_tensor(ir::Value value) const {
  return stored_tensor(parameter(value)).to(at::kFloat);
}

at::Tensor Lowering::shared(const std::string& name, const std::function<at::Tensor()>& make) {
  at::Tensor& tensor = shared_[name];
  if (!tensor.defined()) tensor = make();
  return tensor;
}

Slot Lowering::result(ir::Value value) {
  const auto [found, is_new] = slots_.try_emplace(value.index, 0);
  if (is_new) found->second = new_slot();
  return found->second;
}

Slot Lowering::operand(ir::Value value) {
  const Slot slot = result(value);
  if (!is_measured(value) || !dequantized_.insert(value.index).second) return slot;
  const Codes codes = measured_codes(value);
  add_step({codes.slot}, [codes, slot](Frame& frame) {
    frame.slots[slot] = from_codes(frame.slots[codes.slot], codes.fit);
  });
  return slot;
}

bundle::Activation Lowering::rounding(ir::Value value) const {
  const auto producer = std::ranges::find(ir().nodes, value, &ir::Node::output);
  const bool is_flattened = producer != ir().nodes.end() && producer->op == ir::Op::flatten;
  const bundle::Activation own = bundle_.activation(value);
  return is_flattened && own.mode == quant::Activations::none
             ? bundle_.activation(producer->inputs[0])
             : own;
}

Codes Lowering::claim_codes(ir::Value value) {
  const Codes codes = {new_slot(), rounding(value).fit};
  codes_[value.index] = codes;
  return codes;
}

Codes Lowering::measured_codes(ir::Value value) {
  if (const auto found = codes_.find(value.index); found != codes_.end()) return found->second;
  const Codes codes = claim_codes(value);
  const Slot slot = result(value);
  add_step({slot}, [codes, slot](Frame& frame) {
    frame.slots[codes.slot] = to_codes(frame.slots[slot], codes.fit);
  });
  return codes;
}

const ir::Node* Lowering::only_reader(ir::Value value) const {
  if (std::ranges::find(ir().outputs, value) != ir().outputs.end()) return nullptr;
  const ir::Node* reader = nullptr;
  for (const ir::Node& node : ir().nodes) {
    if (std::ranges::find(node.inputs, value) == node.inputs.end()) continue;
    if (reader) return nullptr;
    reader = &node;
  }
  return reader;
}

const ir::Node* Lowering::absorbed_relu6(ir::Value value) const {
  const ir::Node* reader = only_reader(value);
  if (!reader || reader->op != ir::Op::relu6) return nullptr;
  const bundle::Activation activation = bundle_.activation(reader->output);
  const float end = static_cast<float>(255 - activation.fit.zero_point) * activation.fit.scale;
  const bool fits = activation.mode == quant::Activations::measured &&
                    activation.fit.zero_point == 0 && end <= 6.0f * (1.0f + 1e-6f);
  return fits ? reader : nullptr;
}

void Lowering::add_step(ir::Value output, ir::Value input,
                        std::function<at::Tensor(const at::Tensor&)> f) {
  const Slot in = operand(input);
  const Slot out = result(output);
  add_step({in},
           [in, out, f = std::move(f)](Frame& frame) { frame.slots[out] = f(frame.slots[in]); });
}

at::Tensor Lowering::state(ir::Value value) {
  at::Tensor& tensor = states_[value.index];
  if (!tensor.defined())
    tensor = at::zeros(
        ir::bind(ir()[value].shape, {.batch = options_.batch, .context = options_.context_tokens}),
        at::TensorOptions().dtype(at::kFloat).device(device_));
  return tensor;
}

Result<Program> Lowering::build() {
  for (const ir::Value input : ir().of_kind(ir::ValueKind::input)) inputs_.push_back(result(input));
  for (const ir::Node& node : ir().nodes) {
    if (is_done(node)) continue;
    const LowerFunction lower = find_lowering(node.op);
    if (!lower)
      return fail(Errc::unsupported, "PyTorch's engine has no lowering for {}",
                  ir::name_of(node.op));
    program_.begin(ir::name_of(node.op));
    QB_CHECK(with_context(lower(*this, node), ir()[node.output].name));
  }
  for (const ir::Value output : ir().outputs) {
    outputs_.push_back(operand(output));
    program_.keep(outputs_.back());
  }
  program_.finish();
  return std::move(program_);
}

LowerFunction find_lowering(ir::Op op) {
  switch (op) {
    case ir::Op::embedding:
      return lower_embedding;
    case ir::Op::linear:
      return lower_linear;
    case ir::Op::conv2d:
      return lower_conv2d;
    case ir::Op::batch_norm:
      return lower_batch_norm;
    case ir::Op::rms_norm:
      return lower_rms_norm;
    case ir::Op::cached_attention:
      return lower_cached_attention;
    case ir::Op::add:
      return lower_add;
    case ir::Op::multiply:
      return lower_multiply;
    case ir::Op::silu:
      return lower_silu;
    case ir::Op::sigmoid:
      return lower_sigmoid;
    case ir::Op::relu6:
      return lower_relu6;
    case ir::Op::select_positions:
      return lower_select_positions;
    case ir::Op::global_average_pool:
      return lower_global_average_pool;
    case ir::Op::flatten:
      return lower_flatten;
  }
  return nullptr;
}

}  // namespace qb::pytorch
