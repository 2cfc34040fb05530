#include "measurement/engines/pytorch/failure.h"
#include "measurement/engines/pytorch/half_sums.h"
#include "measurement/engines/pytorch/operator.h"
#include "measurement/engines/pytorch/weight_only.h"

namespace qb::pytorch {
namespace {

// PyTorch has no kernel for 8-bit weights in groups (decision 3).
Product dequantized(Lowering& l, const lowering::GroupedWeight& w, const at::Tensor& bias) {
  const Dequantizer dequantizer(l, w);
  l.note("linear",
         fmt::format("linear in f32; its 8-bit weights in groups of {} are dequantized at "
                     "each run",
                     w.group_size));
  l.count("linear");
  return {[=](const at::Tensor& x) { return at::linear(x, dequantizer.all(), bias); }};
}

// Rows of one or several weights over the mapped file, or joined into a copy.
at::Tensor mapped_rows(const Lowering& l, const std::vector<const bundle::Parameter*>& weights) {
  std::vector<at::Tensor> parts;
  for (const bundle::Parameter* weight : weights) parts.push_back(l.mapped_tensor(*weight));
  return parts.size() == 1 ? parts[0] : at::cat(parts);
}

// The same in memory, on the device.
at::Tensor stored_rows(Lowering& l, const std::vector<const bundle::Parameter*>& weights) {
  return weights.size() == 1 ? l.stored_tensor(*weights[0])
                             : mapped_rows(l, weights).to(l.device());
}

void note_type(Lowering& l, at::ScalarType type, const HalfProduct& product) {
  if (type == at::kFloat) return;
  const bool has_f16_sums = type == at::kHalf && sums_in_f16(l.device(), product);
  l.note("linear", "linear, " + text_of(type, has_f16_sums));
}

// oneDNN's product with the weight in oneDNN's own order: what torch.compile makes of a frozen
// network. Errors: this build or this CPU has none for the weight's type.
Result<Operator> frozen_linear(const at::Tensor& weight, const at::Tensor& bias) try {
  QB_TRY(const Operator reorder,
         Operator::find("mkldnn::_reorder_linear_weight", {{"self", weight}}));
  return Operator::find("mkldnn::_linear_pointwise", {{"W", reorder.call({})},
                                                      {"B", optional_tensor(bias)},
                                                      {"attr", "none"},
                                                      {"scalars", no_scalars()},
                                                      {"algorithm", ""}});
} catch (const std::exception& error) {
  return failure(error);
}

class WithoutOnednn {
 public:
  WithoutOnednn() { at::globalContext().setUserEnabledMkldnn(false); }
  ~WithoutOnednn() { at::globalContext().setUserEnabledMkldnn(was_enabled_); }
  WithoutOnednn(const WithoutOnednn&) = delete;
  WithoutOnednn& operator=(const WithoutOnednn&) = delete;

 private:
  bool was_enabled_ = at::globalContext().userEnabledMkldnn();
};

// linear where oneDNN has no product for the type. On ARM PyTorch calls oneDNN's all the same, and
// when that throws, switches oneDNN off for the rest of the process.
at::Tensor linear_without_onednn(const at::Tensor& x, const at::Tensor& weight) {
  const WithoutOnednn off;
  return at::linear(x, weight);
}

Result<Product> frozen_product(Lowering& l, const at::Tensor& weight, const at::Tensor& bias) {
  if (!l.device().is_cpu()) return fail(Errc::unsupported, "oneDNN computes on cpu only");
  const at::ScalarType type = weight.scalar_type();
  const bool adds_bias = bias.defined() && type == at::kFloat;
  QB_TRY(const Operator op, frozen_linear(weight, adds_bias ? bias : at::Tensor()));
  note_type(l, type, [](const at::Tensor& x, const at::Tensor& ones) {
    const Operator op = frozen_linear(ones, {}).value();
    return op.call({{op.position_of("X"), x}});
  });
  l.count("mkldnn::_linear_pointwise");
  return Product{[=, later = adds_bias ? at::Tensor() : bias,
                  position = op.position_of("X")](const at::Tensor& x) {
    const at::Tensor y = op.call({{position, x.to(type).contiguous()}}).to(at::kFloat);
    return later.defined() ? at::add(y, later) : y;
  }};
}

}  // namespace

Result<Product> float_product(Lowering& l, const std::vector<const bundle::Parameter*>& weights,
                              const at::Tensor& bias) {
  if (auto product = frozen_product(l, mapped_rows(l, weights), bias)) return *std::move(product);
  const at::Tensor weight = stored_rows(l, weights);
  l.count("linear");
  if (weight.scalar_type() == at::kFloat)
    return Product{[=](const at::Tensor& x) { return at::linear(x, weight, bias); }};
  const at::ScalarType type = weight.scalar_type();
  note_type(l, type, linear_without_onednn);
  return Product{[=](const at::Tensor& x) {
    const at::Tensor y = linear_without_onednn(x.to(type), weight).to(at::kFloat);
    return bias.defined() ? at::add(y, bias) : y;
  }};
}

Result<lowering::GroupedWeight> group_rows(const std::vector<const bundle::Parameter*>& weights,
                                           std::span<const int64_t> sizes) {
  std::vector<lowering::GroupedWeight> parts;
  for (const bundle::Parameter* weight : weights) {
    QB_TRY(lowering::GroupedWeight part, lowering::group_weight(*weight, sizes));
    parts.push_back(std::move(part));
  }
  return lowering::join_rows(parts);
}

Result<Product> weight_only_product(Lowering& l,
                                    const std::vector<const bundle::Parameter*>& weights,
                                    const at::Tensor& bias) {
  if (lowering::code_bits_of(*weights[0]) == 4) return int4_product(l, weights, bias);
  constexpr int64_t sizes[] = {0, 128, 64, 32, 16};
  QB_TRY(const lowering::GroupedWeight w, group_rows(weights, sizes));
  return w.groups_per_row() == 1 ? int8_product(l, w, bias) : dequantized(l, w, bias);
}

Dequantizer::Dequantizer(const Lowering& l, const lowering::GroupedWeight& w)
    : scales_(l.tensor_of(w.scales.data(), {w.row_count, w.groups_per_row()}, at::kFloat)),
      minimums_(l.tensor_of(w.minimums.data(), {w.row_count, w.groups_per_row()}, at::kFloat)),
      column_count_(w.column_count),
      is_nibbles_(w.bits == 4 && w.stored_columns % 2 == 0) {
  const at::Tensor codes = l.tensor_of(w.codes.data(), {w.row_count, w.stored_columns}, at::kByte);
  codes_ = is_nibbles_ ? to_nibbles(codes, Nibble::low) : codes;
}

at::Tensor Dequantizer::decode(const at::Tensor& codes, const at::Tensor& scales,
                               const at::Tensor& minimums) const {
  const at::Tensor single =
      is_nibbles_ ? at::stack({at::bitwise_and(codes, 15), at::bitwise_right_shift(codes, 4)}, -1)
                  : codes;
  const at::Tensor groups = single.reshape({codes.size(0), scales.size(1), -1}).to(at::kFloat);
  const at::Tensor values =
      at::addcmul(minimums.unsqueeze(-1), groups, scales.unsqueeze(-1)).flatten(1);
  return values.size(1) == column_count_ ? values : values.narrow(1, 0, column_count_);
}

at::Tensor Dequantizer::rows(const at::Tensor& indices) const {
  return decode(codes_.index_select(0, indices), scales_.index_select(0, indices),
                minimums_.index_select(0, indices));
}

at::Tensor Dequantizer::all() const { return decode(codes_, scales_, minimums_); }

}  // namespace qb::pytorch
