#include "measurement/engines/coreml/lowering.h"

#include <algorithm>
#include <numeric>

#include "base/hash.h"
#include "measurement/lowering/notes.h"

namespace qb::coreml {
namespace {

constexpr int64_t small_count = 10;  // from here on coremltools too puts constants into weight.bin

std::string_view name_of(Type type) {
  return type == Type::f16   ? "fp16"
         : type == Type::f32 ? "fp32"
         : type == Type::i32 ? "int32"
                             : "bool";
}

}  // namespace

Lowering::Lowering(const bundle::Bundle& bundle, const Target& target, const ir::Extents& extents,
                   Function& function, BlobFile& blobs)
    : bundle_(bundle),
      target_(target),
      extents_(extents),
      function_(function),
      blobs_(blobs),
      transformations_(lowering::find_transformations(bundle)) {}

Result<Value> Lowering::operand(ir::Value value) {
  if (const auto found = values_.find(value.index); found != values_.end()) return found->second;
  QB_TRY(Value weight, lower_weight(*this, parameter(value)));
  bundle_.drop_resident_pages();  // it lies in weight.bin now
  return values_[value.index] = std::move(weight);
}

void Lowering::set(ir::Value value, Value result) {
  const bundle::Activation activation = bundle_.activation(value);
  const bool is_rounded = activation.mode == quant::Activations::measured;
  values_[value.index] = is_rounded ? rounded(activation.fit, result) : std::move(result);
}

Value Lowering::rounded(const quant::ActivationFit& fit, const Value& x) {
  const Constant zero_point = {.type = Type::u8, .bytes = {static_cast<std::byte>(fit.zero_point)}};
  const Constant scale = number(fit.scale);
  const Value codes = apply(
      "quantize",
      {{"input", x}, {"scale", scale}, {"zero_point", zero_point}, {"output_dtype", text("uint8")}},
      Type::u8, x.shape);
  note("activations", "quantize and dequantize, u8 by calibrated ranges");
  return apply("dequantize", {{"input", codes}, {"scale", scale}, {"zero_point", zero_point}},
               x.shape);
}

Constant Lowering::stored(const std::string& key, Type type, const Shape& shape,
                          const std::function<void(const Sink&)>& write) {
  Constant constant = {.type = type, .shape = shape};
  const int64_t count = element_count(shape);
  constant.is_blob = count >= small_count;
  if (constant.is_blob) {
    constant.offset = blobs_.place(key, type, count, write);
  } else {
    write([&](std::span<const std::byte> bytes) {
      constant.bytes.insert(constant.bytes.end(), bytes.begin(), bytes.end());
    });
  }
  return constant;
}

Value Lowering::reals(std::string_view hint, const Shape& shape, std::span<const float> values) {
  const Constant constant = coreml::reals(compute(), shape, values);
  const std::string key = fmt::format("{} {}", name_of(compute()), hash_of(constant.bytes));
  return function_.constant(
      hint, stored(key, compute(), shape, [&](const Sink& sink) { sink(constant.bytes); }));
}

Value Lowering::binary(std::string_view op, const Value& x, const Value& y) {
  return apply(op, {{"x", x}, {"y", y}}, x.type, broadcast(x.shape, y.shape));
}

Value Lowering::binary(std::string_view op, const Value& x, double y) {
  const Constant other = x.type == Type::i32 ? integer(static_cast<int64_t>(y)) : number(y);
  return apply(op, {{"x", x}, {"y", other}}, x.type, x.shape);
}

// Core ML adds an epsilon of its own unless it is told not to.
Value Lowering::inverse_root(const Value& x) {
  return apply("rsqrt", {{"x", x}, {"epsilon", number(0.0)}}, x.shape);
}

Value Lowering::reshape(const Value& x, const Shape& shape) {
  if (x.shape == shape) return x;
  return apply("reshape", {{"x", x}, {"shape", integers(shape)}}, x.type, shape);
}

Value Lowering::transpose(const Value& x, std::vector<int64_t> permutation) {
  Shape shape;
  for (const int64_t from : permutation) shape.push_back(x.shape[static_cast<size_t>(from)]);
  return apply("transpose", {{"x", x}, {"perm", integers(permutation)}}, x.type, shape);
}

Value Lowering::reduce(std::string_view op, const Value& x, std::vector<int64_t> axes,
                       bool keeps_dims) {
  Shape shape = x.shape;
  const auto rank = static_cast<int64_t>(shape.size());
  for (const int64_t axis : axes) shape[static_cast<size_t>((axis + rank) % rank)] = 0;
  if (keeps_dims)
    std::ranges::replace(shape, 0, 1);
  else
    std::erase(shape, 0);
  return apply(op, {{"x", x}, {"axes", integers(axes)}, {"keep_dims", boolean(keeps_dims)}}, x.type,
               shape);
}

Value Lowering::gather(const Value& x, const Value& indices, int64_t axis, int64_t batch_dims,
                       const Shape& shape) {
  return apply("gather",
               {{"x", x},
                {"indices", indices},
                {"axis", integer(axis)},
                {"batch_dims", integer(batch_dims)},
                {"validate_indices", boolean(false)}},
               x.type, shape);
}

Value Lowering::cast(const Value& x, Type type) {
  if (x.type == type) return x;
  return apply("cast", {{"x", x}, {"dtype", text(name_of(type))}}, type, x.shape);
}

Value Lowering::slice(const Value& x, std::vector<int64_t> begin, std::vector<int64_t> end) {
  Shape shape;
  for (size_t i = 0; i < end.size(); ++i) shape.push_back(end[i] - begin[i]);
  if (shape == x.shape) return x;
  return apply("slice_by_index", {{"x", x}, {"begin", integers(begin)}, {"end", integers(end)}},
               x.type, shape);
}

Value Lowering::compare(std::string_view op, const Value& x, const Operand& y, const Shape& shape) {
  return apply(op, {{"x", x}, {"y", y}}, Type::boolean, shape);
}

const Value& Lowering::positions() {
  if (!positions_.name.empty()) return positions_;
  std::vector<int64_t> steps(static_cast<size_t>(extent(ir::Symbol::sequence)));
  std::iota(steps.begin(), steps.end(), 0);
  const Value offsets = function_.constant("offsets", integers(steps));
  return positions_ = binary("add", offsets, past_);
}

void Lowering::note(std::string_view kind, std::string_view choice) {
  lowering::add_note(notes_, kind, choice);
}

void Lowering::add_inputs() {
  for (const ir::Value value : ir().of_kind(ir::ValueKind::input)) {
    const bool is_integer = ir()[value].type == ElementType::i64;
    set(value, function_.input(ir()[value].name, is_integer ? Type::i32 : compute(), shape(value)));
  }
  const auto states = ir().of_kind(ir::ValueKind::state);
  if (!states.empty()) past_ = function_.input(past_input, Type::i32, {1});
  for (const ir::Value value : states)
    values_[value.index] = function_.state(ir()[value].name, shape(value));
}

Result<void> Lowering::build() {
  add_inputs();
  QB_CHECK(lowering::lower_nodes(lowerings(), *this, "Core ML's engine"));
  for (size_t i = 0; i < ir().outputs.size(); ++i) {
    QB_TRY(const Value value, operand(ir().outputs[i]));
    function_.output(output_name(ir(), i), value);
  }
  return {};
}

std::string output_name(const ir::Graph& graph, size_t index) {
  const bool is_named = index < graph.output_names.size() && !graph.output_names[index].empty();
  return identifier(is_named ? graph.output_names[index] : fmt::format("output_{}", index));
}

const lowering::Table<Lowering>& lowerings() {
  static const lowering::Table<Lowering> table = {linear_lowerings(),    conv2d_lowerings(),
                                                  attention_lowerings(), norm_lowerings(),
                                                  row_lowerings(),       simple_lowerings()};
  return table;
}

}  // namespace qb::coreml
