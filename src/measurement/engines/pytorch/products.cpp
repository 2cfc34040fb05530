#include "measurement/engines/pytorch/products.h"

#include <algorithm>

#include "measurement/engines/pytorch/onednn.h"

namespace qb::pytorch {
namespace {

// Four-bit codes two a byte, the even column in the low nibble.
std::vector<uint8_t> to_nibbles(const std::vector<uint8_t>& codes) {
  std::vector<uint8_t> bytes(codes.size() / 2);
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<uint8_t>(codes[2 * i] | (codes[2 * i + 1] << 4));
  return bytes;
}

// [groups, rows, 2]: scale, and what code 8 stands for, as the int4 kernels take them.
at::Tensor scales_and_zeros(const Lowering& l, const lowering::GroupedWeight& w,
                            int64_t padded_row_count) {
  const int64_t group_count = w.groups_per_row();
  std::vector<float> values(static_cast<size_t>(group_count * padded_row_count * 2), 0.0f);
  for (int64_t row = 0; row < w.row_count; ++row) {
    for (int64_t group = 0; group < group_count; ++group) {
      const auto from = static_cast<size_t>(row * group_count + group);
      const auto to = static_cast<size_t>((group * padded_row_count + row) * 2);
      values[to] = w.scales[from];
      values[to + 1] = w.minimums[from] + 8.0f * w.scales[from];
    }
  }
  return l.tensor_of(values.data(), {group_count, padded_row_count, 2}, at::kFloat)
      .to(at::kBFloat16);
}

// x as the kernel's rows: bf16 [n, stored columns].
at::Tensor kernel_rows(const at::Tensor& x, int64_t stored_columns) {
  const int64_t column_count = x.size(-1);
  const at::Tensor rows = x.reshape({-1, column_count}).to(at::kBFloat16);
  return column_count == stored_columns
             ? rows
             : at::constant_pad_nd(rows, {0, stored_columns - column_count});
}

// The kernel's bf16 rows as f32 in x's shape.
at::Tensor output_rows(const at::Tensor& y, const at::Tensor& x, int64_t row_count,
                       const at::Tensor& bias) {
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = row_count;
  const at::Tensor kept = y.size(1) == row_count ? y : y.narrow(1, 0, row_count);
  const at::Tensor wide = kept.to(at::kFloat).reshape(shape);
  return bias.defined() ? at::add(wide, bias) : wide;
}

Product int4_on_cpu(Lowering& l, const lowering::GroupedWeight& w, const at::Tensor& bias) {
  constexpr int64_t row_multiple = 16;
  const int64_t padded_row_count = (w.row_count + row_multiple - 1) / row_multiple * row_multiple;
  at::Tensor codes = at::zeros({padded_row_count, w.stored_columns}, at::kInt);
  codes.narrow(0, 0, w.row_count)
      .copy_(at::from_blob(const_cast<uint8_t*>(w.codes.data()), {w.row_count, w.stored_columns},
                           at::kByte));
  const at::Tensor packed = at::_convert_weight_to_int4pack_for_cpu(codes, 1);
  const at::Tensor scales = scales_and_zeros(l, w, padded_row_count);
  l.note("linear", fmt::format("_weight_int4pack_mm_for_cpu, 4-bit weights in groups of {}, bf16 "
                               "activations and scales",
                               w.group_size));
  l.count("_weight_int4pack_mm_for_cpu");
  return {[=, group = w.group_size, stored = w.stored_columns,
           row_count = w.row_count](const at::Tensor& x) {
    const at::Tensor y =
        at::_weight_int4pack_mm_for_cpu(kernel_rows(x, stored), packed, group, scales);
    return output_rows(y, x, row_count, bias);
  }};
}

// Metal's kernel takes the even column in the high nibble, and is one row of x at a time: for
// prompts the weights are worth dequantizing, which is left to PyTorch.
Product int4_on_mps(Lowering& l, const lowering::GroupedWeight& w, const at::Tensor& bias) {
  std::vector<uint8_t> bytes = to_nibbles(w.codes);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>((byte << 4) | (byte >> 4));
  const at::Tensor codes =
      l.tensor_of(bytes.data(), {w.row_count, w.stored_columns / 2}, at::kByte);
  constexpr int64_t inner_tiles = 8;
  const at::Tensor packed = at::_convert_weight_to_int4pack(codes, inner_tiles);
  const at::Tensor scales = scales_and_zeros(l, w, w.row_count);
  l.note("linear", fmt::format("_weight_int4pack_mm, 4-bit weights in groups of {}, bf16 "
                               "activations and scales",
                               w.group_size));
  l.count("_weight_int4pack_mm");
  return {[=, group = w.group_size, stored = w.stored_columns,
           row_count = w.row_count](const at::Tensor& x) {
    const at::Tensor y = at::_weight_int4pack_mm(kernel_rows(x, stored), packed, group, scales);
    return output_rows(y, x, row_count, bias);
  }};
}

// The kernel knows no zero point: what code 128 stands for is added as (sum of x) times it.
Product int8(Lowering& l, const lowering::GroupedWeight& w, const at::Tensor& bias) {
  constexpr int64_t column_multiple = 32;  // of the kernel's vectors, which it takes for granted
  const int64_t stored = (w.column_count + column_multiple - 1) / column_multiple * column_multiple;
  std::vector<int8_t> signed_codes(static_cast<size_t>(w.row_count * stored));
  for (int64_t row = 0; row < w.row_count; ++row)
    for (int64_t column = 0; column < w.column_count; ++column)
      signed_codes[static_cast<size_t>(row * stored + column)] =
          static_cast<int8_t>(w.codes[static_cast<size_t>(row * w.stored_columns + column)] - 128);
  std::vector<float> middles(w.scales.size());
  for (size_t i = 0; i < middles.size(); ++i) middles[i] = w.minimums[i] + 128.0f * w.scales[i];
  const bool is_symmetric = std::ranges::all_of(middles, [](float m) { return m == 0.0f; });
  const at::Tensor codes = l.tensor_of(signed_codes.data(), {w.row_count, stored}, at::kChar);
  const at::Tensor scales =
      l.tensor_of(w.scales.data(), {w.row_count}, at::kFloat).to(at::kBFloat16);
  const at::Tensor offsets =
      is_symmetric ? at::Tensor() : l.tensor_of(middles.data(), {w.row_count}, at::kFloat);
  l.note("linear", fmt::format("_weight_int8pack_mm, 8-bit weights with a scale a row, bf16 "
                               "activations and scales{}",
                               is_symmetric ? "" : "; zero points as a product of their own"));
  l.count("_weight_int8pack_mm");
  return {[=, row_count = w.row_count](const at::Tensor& x) {
    const at::Tensor rows = kernel_rows(x, stored);
    const at::Tensor y = at::_weight_int8pack_mm(rows, codes, scales);
    const at::Tensor out = output_rows(y, x, row_count, bias);
    return offsets.defined() ? at::addcmul(out, x.sum(-1, /*keepdim=*/true), offsets) : out;
  }};
}

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

void note_type(Lowering& l, at::ScalarType type) {
  if (type == at::kFloat) return;
  l.note("linear", fmt::format("linear, activations in {}", type == at::kHalf ? "f16" : "bf16"));
}

// oneDNN's product with the weight in oneDNN's own order: what torch.compile makes of a frozen
// network. Error: this build or this CPU has none for the weight's type.
Result<Product> frozen_product(Lowering& l, const at::Tensor& weight, const at::Tensor& bias) try {
  if (!l.device().is_cpu()) return fail(Errc::unsupported, "oneDNN computes on cpu only");
  QB_TRY(const OnednnOperator reorder,
         OnednnOperator::find("mkldnn::_reorder_linear_weight", {{"self", weight}}));
  const at::ScalarType type = weight.scalar_type();
  const bool adds_bias = bias.defined() && type == at::kFloat;
  QB_TRY(const OnednnOperator op,
         OnednnOperator::find("mkldnn::_linear_pointwise",
                              {{"W", reorder.call({})},
                               {"B", optional_tensor(adds_bias ? bias : at::Tensor())},
                               {"attr", "none"},
                               {"scalars", no_scalars()},
                               {"algorithm", ""}}));
  note_type(l, type);
  l.count("mkldnn::_linear_pointwise");
  return Product{[=, later = adds_bias ? at::Tensor() : bias,
                  position = op.position_of("X")](const at::Tensor& x) {
    const at::Tensor y = op.call({{position, x.to(type).contiguous()}}).to(at::kFloat);
    return later.defined() ? at::add(y, later) : y;
  }};
} catch (const c10::Error& error) {
  return fail(Errc::unsupported, "{}", error.what_without_backtrace());
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
  note_type(l, type);
  return Product{[=](const at::Tensor& x) {
    const at::Tensor y = at::linear(x.to(type), weight).to(at::kFloat);
    return bias.defined() ? at::add(y, bias) : y;
  }};
}

Result<Product> weight_only_product(Lowering& l,
                                    const std::vector<const bundle::Parameter*>& weights,
                                    const at::Tensor& bias) {
  constexpr int64_t int4_sizes[] = {256, 128, 64, 32};
  constexpr int64_t int8_sizes[] = {0, 128, 64, 32, 16};
  const bool is_4_bit = lowering::code_bits_of(*weights[0]) == 4;
  std::vector<lowering::GroupedWeight> parts;
  for (const bundle::Parameter* weight : weights) {
    QB_TRY(lowering::GroupedWeight part, is_4_bit ? lowering::group_weight(*weight, int4_sizes)
                                                  : lowering::group_weight(*weight, int8_sizes));
    parts.push_back(std::move(part));
  }
  const lowering::GroupedWeight w = lowering::join_rows(parts);
  if (is_4_bit) return l.device().is_cpu() ? int4_on_cpu(l, w, bias) : int4_on_mps(l, w, bias);
  return w.groups_per_row() == 1 ? int8(l, w, bias) : dequantized(l, w, bias);
}

Dequantizer::Dequantizer(const Lowering& l, const lowering::GroupedWeight& w)
    : scales_(l.tensor_of(w.scales.data(), {w.row_count, w.groups_per_row()}, at::kFloat)),
      minimums_(l.tensor_of(w.minimums.data(), {w.row_count, w.groups_per_row()}, at::kFloat)),
      column_count_(w.column_count),
      is_nibbles_(w.bits == 4 && w.stored_columns % 2 == 0) {
  if (is_nibbles_) {
    const std::vector<uint8_t> bytes = to_nibbles(w.codes);
    codes_ = l.tensor_of(bytes.data(), {w.row_count, w.stored_columns / 2}, at::kByte);
  } else {
    codes_ = l.tensor_of(w.codes.data(), {w.row_count, w.stored_columns}, at::kByte);
  }
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
