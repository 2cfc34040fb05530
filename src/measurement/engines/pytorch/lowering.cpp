#include "measurement/engines/pytorch/lowering.h"

#include <algorithm>

#include "measurement/engines/pytorch/allocator.h"

namespace qb::pytorch {

at::Tensor Lowering::tensor_of(const void* data, at::IntArrayRef shape, at::ScalarType type) const {
  return at::from_blob(const_cast<void*>(data), shape, at::TensorOptions().dtype(type))
      .to(device_, type, /*non_blocking=*/false, /*copy=*/true);
}

at::Tensor Lowering::mapped_tensor(const bundle::Parameter& p) const {
  const at::ScalarType type = p.encoding == bundle::Encoding::f16    ? at::kHalf
                              : p.encoding == bundle::Encoding::bf16 ? at::kBFloat16
                                                                     : at::kFloat;
  return at::from_blob(const_cast<std::byte*>(p.bytes.data()), p.shape,
                       at::TensorOptions().dtype(type));
}

at::Tensor Lowering::stored_tensor(const bundle::Parameter& p) {
  at::Tensor& tensor = stored_[p.name];
  if (!tensor.defined()) {
    const at::Tensor mapped = mapped_tensor(p);
    tensor = mapped.to(device_, mapped.scalar_type(), /*non_blocking=*/false, /*copy=*/true);
  }
  return tensor;
}

at::Tensor Lowering::f32_tensor(ir::Value value) {
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

Slot Lowering::own_slot(ir::Value value) {
  const Slot slot = result(value);
  const auto found = columns_.find(value.index);
  if (found == columns_.end() || !cut_.insert(value.index).second) return slot;
  add_step({found->second.slot}, [slot, from = found->second](Frame& frame) {
    frame.slots[slot] = frame.slots[from.slot].narrow(-1, from.first, from.count);
  });
  return slot;
}

Columns Lowering::columns_of(ir::Value value) {
  const auto found = columns_.find(value.index);
  if (found != columns_.end() && !is_measured(value)) return found->second;
  return {operand(value), 0, ir()[value].shape.back().extent};
}

Slot Lowering::causal_mask(Slot x, const Sight& sight) {
  const auto [found, is_new] = causal_masks_.try_emplace(sight, 0);
  if (!is_new) return found->second;
  const Slot mask = found->second = new_slot();
  add_step({x}, [x, mask, sight](Frame& frame) {
    const int64_t count = frame.slots[x].size(1);
    const int64_t past = frame.past_tokens;
    const bool all_see_all = sight.window_tokens == 0 || past + count <= sight.window_tokens;
    if (count == 1 || (past == 0 && all_see_all && !sight.needs_mask)) return;
    const int64_t first = sight.first(past);
    const auto& options = frame.slots[x].options();
    at::Tensor seen = at::ones({count, past + count - first}, options).tril_(past - first);
    if (!all_see_all) seen.triu_(past - first - sight.window_tokens + 1);
    frame.slots[mask] = seen.log_();  // of 1 it is 0, of 0 -infinity
  });
  return mask;
}

Slot Lowering::operand(ir::Value value) {
  const Slot slot = own_slot(value);
  if (!is_measured(value) || !dequantized_.insert(value.index).second) return slot;
  const Codes codes = measured_codes(value);
  add_step({codes.slot}, [codes, slot](Frame& frame) {
    frame.slots[slot] = from_codes(frame.slots[codes.slot], codes.fit);
  });
  return slot;
}

Codes Lowering::claim_codes(ir::Value value) {
  const Codes codes = {new_slot(), rounding(value).fit};
  codes_[value.index] = codes;
  return codes;
}

Codes Lowering::measured_codes(ir::Value value) {
  if (const auto found = codes_.find(value.index); found != codes_.end()) return found->second;
  const Codes codes = claim_codes(value);
  const Slot slot = own_slot(value);
  add_step({slot}, [codes, slot](Frame& frame) {
    frame.slots[codes.slot] = to_codes(frame.slots[slot], codes.fit);
  });
  return codes;
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
    tensor = at::zeros(ir::bind(ir()[value].shape, worker::extents_of(options_)),
                       at::TensorOptions().dtype(at::kFloat).device(device_));
  return tensor;
}

Result<Program> Lowering::build() {
  for (const ir::Value input : ir().of_kind(ir::ValueKind::input)) inputs_.push_back(result(input));
  QB_CHECK(
      lowering::lower_nodes(lowerings(), *this, "PyTorch's engine", [this](const ir::Node& node) {
        if (is_done(node)) return false;
        // Weights are copied or packed, one after another.
        bundle_.drop_resident_pages();
        give_back_freed_memory();
        program_.begin(ir::name_of(node.op));
        return true;
      }));
  for (const ir::Value output : ir().outputs) {
    outputs_.push_back(operand(output));
    program_.keep(outputs_.back());
  }
  program_.finish();
  return std::move(program_);
}

const lowering::Table<Lowering>& lowerings() {
  static const lowering::Table<Lowering> table = {linear_lowerings(),    conv2d_lowerings(),
                                                  attention_lowerings(), norm_lowerings(),
                                                  row_lowerings(),       simple_lowerings()};
  return table;
}

}  // namespace qb::pytorch
