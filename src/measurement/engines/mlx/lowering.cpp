#include "measurement/engines/mlx/lowering.h"

#include <algorithm>

namespace qb::mlx {
namespace {

mx::Dtype type_of(bundle::Encoding encoding) {
  switch (encoding) {
    case bundle::Encoding::f16:
      return mx::float16;
    case bundle::Encoding::bf16:
      return mx::bfloat16;
    default:
      return mx::float32;
  }
}

mx::array copy_of(const bundle::Parameter& p) {
  const mx::Shape shape = shape_of(p.shape);
  switch (p.encoding) {
    case bundle::Encoding::f16:
      return mx::array(reinterpret_cast<const mx::float16_t*>(p.bytes.data()), shape, mx::float16);
    case bundle::Encoding::bf16:
      return mx::array(reinterpret_cast<const mx::bfloat16_t*>(p.bytes.data()), shape,
                       mx::bfloat16);
    default:
      return mx::array(p.f32().data(), shape, mx::float32);
  }
}

}  // namespace

mx::Dtype activation_type(const quant::Scheme& scheme, std::string_view device) {
  if (device != "gpu" || scheme.weight_type == quant::WeightType::f32) return mx::float32;
  return scheme.weight_type == quant::WeightType::f16 ? mx::float16 : mx::bfloat16;
}

std::string_view name_of(mx::Dtype type) {
  if (type == mx::float16) return "f16";
  return type == mx::bfloat16 ? "bf16" : "f32";
}

Lowering::Lowering(const bundle::Bundle& bundle, const worker::CompileOptions& options,
                   std::vector<mx::Stream> streams)
    : bundle_(bundle),
      options_(options),
      transformations_(lowering::find_transformations(bundle)),
      streams_(std::move(streams)),
      compute_type_(activation_type(bundle.scheme(), options.device)) {}

bool Lowering::is_quantized(ir::Value value) const {
  const bundle::Encoding encoding = parameter(value).encoding;
  return encoding == bundle::Encoding::packed || encoding == bundle::Encoding::block ||
         encoding == bundle::Encoding::micro;
}

mx::array Lowering::stored_array(ir::Value value) {
  const auto found = stored_.find(value.index);
  if (found != stored_.end()) return found->second;
  const bundle::Parameter& p = parameter(value);
  mx::array stored = copy_of(p);
  if (type_of(p.encoding) == mx::float32) stored = mx::astype(stored, compute_type_);
  stored.eval();
  stored_.emplace(value.index, stored);
  return stored;
}

mx::array Lowering::constant(std::span<const float> values, const mx::Shape& shape) const {
  mx::array array = mx::astype(mx::array(values.data(), shape, mx::float32), compute_type_);
  array.eval();
  return array;
}

Result<const QuantizedWeight*> Lowering::quantized(ir::Value value) {
  auto found = quantized_.find(value.index);
  if (found == quantized_.end()) {
    QB_TRY(QuantizedWeight weight, load_quantized(parameter(value), compute_type_));
    found = quantized_.emplace(value.index, std::move(weight)).first;
  }
  return &found->second;
}

Slot Lowering::slot(ir::Value value) {
  const auto [found, is_new] = slots_.try_emplace(value.index, 0);
  if (!is_new) return found->second;
  found->second = slot_count_++;
  if (ir()[value].kind == ir::ValueKind::parameter) {
    mx::array array = stored_array(value);
    if (is_picture(value)) array = mx::contiguous(mx::transpose(array, {0, 2, 3, 1}));
    array.eval();
    constants_.emplace(found->second, array);
  }
  return found->second;
}

std::vector<Slot> Lowering::slots_of(const std::vector<ir::Value>& values) {
  std::vector<Slot> slots;
  for (const ir::Value value : values) slots.push_back(slot(value));
  return slots;
}

Slot Lowering::causal_mask(Slot x, const Sight& sight) {
  const auto [found, is_new] = causal_masks_.try_emplace(sight, 0);
  if (!is_new) return found->second;
  const Slot mask = found->second = slot_count_++;
  add_call([x, mask, sight](Frame& frame) {
    const auto past = static_cast<int>(frame.past_tokens);
    const int count = frame.slots[x].shape(1);
    if (!sight.is_masked(past, count)) return;
    const mx::array queries = mx::expand_dims(mx::arange(past, past + count), 1);
    const mx::array keys = mx::arange(sight.first(past), past + count);
    mx::array seen = mx::greater_equal(queries, keys);
    if (sight.window_tokens > 0)
      seen =
          mx::logical_and(seen, mx::less(queries, mx::add(keys, mx::array(sight.window_tokens))));
    frame.slots[mask] = seen;
  });
  return mask;
}

size_t Lowering::state_index(ir::Value value) const {
  const auto states = ir().of_kind(ir::ValueKind::state);
  return static_cast<size_t>(std::ranges::find(states, value) - states.begin());
}

void Lowering::add_unary(const ir::Node& node, std::function<mx::array(const mx::array&)> f) {
  add_unary(node.inputs[0], node.output, std::move(f));
}

void Lowering::add_unary(ir::Value input, ir::Value output,
                         std::function<mx::array(const mx::array&)> f) {
  const Slot in = slot(input);
  const Slot out = slot(output);
  add_call([in, out, f = std::move(f)](Frame& frame) { frame.slots[out] = f(frame.slots[in]); });
}

void Lowering::add_binary(const ir::Node& node,
                          std::function<mx::array(const mx::array&, const mx::array&)> f) {
  const Slot first = slot(node.inputs[0]);
  const Slot second = slot(node.inputs[1]);
  const Slot out = slot(node.output);
  add_call([first, second, out, f = std::move(f)](Frame& frame) {
    frame.slots[out] = f(frame.slots[first], frame.slots[second]);
  });
}

Result<Program> Lowering::build() {
  QB_CHECK(lowering::lower_nodes(lowerings(), *this, "MLX's engine"));
  return std::move(program_);
}

const lowering::Table<Lowering>& lowerings() {
  static const lowering::Table<Lowering> table = {
      linear_lowerings(), conv2d_lowerings(),     attention_lowerings(), norm_lowerings(),
      row_lowerings(),    activation_lowerings(), simple_lowerings()};
  return table;
}

}  // namespace qb::mlx
