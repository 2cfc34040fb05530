#include "measurement/engines/pytorch/weight_only.h"

#include <algorithm>

#include "measurement/engines/pytorch/weight_layout.h"

namespace qb::pytorch {
namespace {

const char* name_of(at::ScalarType type) { return type == at::kFloat ? "f32" : "bf16"; }

// What the kernels that round nothing to integers are fast with.
at::ScalarType type_of(const Lowering& l) {
  return l.device().is_cpu() && l.has().weight_only_f32 ? at::kFloat : at::kBFloat16;
}

WeightShape shape_of(const lowering::GroupedWeight& w) { return {w.row_count, w.stored_columns}; }

// u8 [rows, columns] in the host's memory: the weight's columns, and `padding` around them.
at::Tensor padded_codes(const lowering::GroupedWeight& w, WeightShape shape, int64_t padding) {
  at::Tensor codes = at::full({shape.row_count, shape.column_count}, padding, at::kByte);
  codes.narrow(0, 0, w.row_count)
      .narrow(1, 0, w.stored_columns)
      .copy_(at::from_blob(const_cast<uint8_t*>(w.codes.data()), {w.row_count, w.stored_columns},
                           at::kByte));
  return codes;
}

// In parts, since packing takes codes of 32 bits: of whole blocks, which lie in the packed weight
// one after another.
at::Tensor pack_int4_on_cpu(const lowering::GroupedWeight& w, WeightShape shape) {
  constexpr int64_t rows_at_once = 4096;  // whole blocks of any processor's
  const at::Tensor codes = padded_codes(w, shape, 0);
  at::Tensor packed = at::empty({shape.row_count, shape.column_count / 2}, at::kByte);
  for (int64_t row = 0; row < shape.row_count; row += rows_at_once) {
    const int64_t count = std::min(rows_at_once, shape.row_count - row);
    packed.narrow(0, row, count)
        .copy_(at::_convert_weight_to_int4pack_for_cpu(codes.narrow(0, row, count).to(at::kInt), 1)
                   .view({count, shape.column_count / 2}));
  }
  return packed;
}

// [groups, rows, 2]: scale, and what code 8 stands for, as the int4 kernels take them.
at::Tensor scales_and_zeros(const Lowering& l, const lowering::GroupedWeight& w,
                            int64_t padded_row_count, at::ScalarType type) {
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
  return l.tensor_of(values.data(), {group_count, padded_row_count, 2}, at::kFloat).to(type);
}

// x as the kernel's rows: [n, column_count].
at::Tensor kernel_rows(const at::Tensor& x, int64_t column_count, at::ScalarType type) {
  const at::Tensor rows = x.reshape({-1, x.size(-1)}).to(type);
  return rows.size(1) == column_count ? rows.contiguous()
                                      : at::constant_pad_nd(rows, {0, column_count - rows.size(1)});
}

// The kernel's rows as f32 in x's shape.
at::Tensor output_rows(const at::Tensor& y, const at::Tensor& x, int64_t row_count,
                       const at::Tensor& bias) {
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = row_count;
  const at::Tensor kept = y.size(1) == row_count ? y : y.narrow(1, 0, row_count);
  const at::Tensor wide = kept.to(at::kFloat).reshape(shape);
  return bias.defined() ? at::add(wide, bias) : wide;
}

void note_int4(Lowering& l, const char* kernel, int64_t group_size, at::ScalarType type) {
  l.note("linear", fmt::format("{}, 4-bit weights in groups of {}, {} activations and scales",
                               kernel, group_size, name_of(type)));
  l.count(kernel);
}

Product int4_on_cpu(Lowering& l, const lowering::GroupedWeight& w, const at::Tensor& bias) {
  const WeightShape shape = int4_shape_on_cpu(shape_of(w));
  const at::ScalarType type = type_of(l);
  const at::Tensor packed = pack_int4_on_cpu(w, shape);
  const at::Tensor scales = scales_and_zeros(l, w, shape.row_count, type);
  note_int4(l, "_weight_int4pack_mm_for_cpu", w.group_size, type);
  return {[=, group = w.group_size, row_count = w.row_count](const at::Tensor& x) {
    const at::Tensor y = at::_weight_int4pack_mm_for_cpu(kernel_rows(x, shape.column_count, type),
                                                         packed, group, scales);
    return output_rows(y, x, row_count, bias);
  }};
}

// Metal's kernel takes the even column in the high nibble, and is one row of x at a time: for
// prompts the weights are worth dequantizing, which is left to PyTorch.
Product int4_on_metal(Lowering& l, const lowering::GroupedWeight& w, const at::Tensor& bias) {
  const WeightShape shape = int4_shape_on_metal(shape_of(w));
  const at::ScalarType type = type_of(l);
  const at::Tensor codes = to_nibbles(padded_codes(w, shape, 0), Nibble::high).to(l.device());
  const at::Tensor packed = at::_convert_weight_to_int4pack(codes, metal_inner_tiles);
  const at::Tensor scales = scales_and_zeros(l, w, shape.row_count, type);
  note_int4(l, "_weight_int4pack_mm", w.group_size, type);
  return {[=, group = w.group_size, row_count = w.row_count](const at::Tensor& x) {
    const at::Tensor y =
        at::_weight_int4pack_mm(kernel_rows(x, shape.column_count, type), packed, group, scales);
    return output_rows(y, x, row_count, bias);
  }};
}

bool is_symmetric(const lowering::GroupedWeight& w, float middle) {
  for (size_t i = 0; i < w.scales.size(); ++i)
    if (w.minimums[i] + middle * w.scales[i] != 0.0f) return false;
  return true;
}

// Weights about code 8 and each token's activations in 8 bits by their own range. Scales of groups
// are bf16, of rows f32.
Product dynamic_int4(Lowering& l, const lowering::GroupedWeight& w, const at::Tensor& bias) {
  constexpr int64_t zero_code = 8;
  const WeightShape shape = dynamic_int4_shape(shape_of(w));
  const bool is_by_row = w.groups_per_row() == 1;
  const int64_t group = is_by_row ? shape.column_count : w.group_size;
  const at::Tensor scales =
      l.tensor_of(w.scales.data(), {w.row_count, w.groups_per_row()}, at::kFloat)
          .to(is_by_row ? at::kFloat : at::kBFloat16);
  const at::Tensor packed =
      at::_dyn_quant_pack_4bit_weight(to_nibbles(padded_codes(w, shape, zero_code), Nibble::low),
                                      scales, {}, group, shape.column_count, w.row_count);
  l.note(
      "linear",
      fmt::format(
          "_dyn_quant_matmul_4bit, activations rounded to int8 by token, 4-bit weights {}",
          is_by_row ? "with a scale a row" : fmt::format("in groups of {}, bf16 scales", group)));
  l.count("_dyn_quant_matmul_4bit");
  return {[=, row_count = w.row_count](const at::Tensor& x) {
    const at::Tensor y = at::_dyn_quant_matmul_4bit(kernel_rows(x, shape.column_count, at::kFloat),
                                                    packed, group, shape.column_count, row_count);
    return output_rows(y, x, row_count, bias);
  }};
}

}  // namespace

at::Tensor to_nibbles(const at::Tensor& codes, Nibble of_even) {
  const at::Tensor pairs = codes.unflatten(1, {-1, 2});
  const int64_t low = of_even == Nibble::low ? 0 : 1;
  return at::bitwise_or(pairs.select(2, low), at::bitwise_left_shift(pairs.select(2, 1 - low), 4));
}

Result<Product> int4_product(Lowering& l, const std::vector<const bundle::Parameter*>& weights,
                             const at::Tensor& bias) {
  if (l.device().is_cpu() && l.has().dynamic_int4) {
    constexpr int64_t sizes[] = {0, 256, 128, 64, 32};
    QB_TRY(const lowering::GroupedWeight w, group_rows(weights, sizes));
    if (is_symmetric(w, 8.0f)) return dynamic_int4(l, w, bias);
  }
  constexpr int64_t sizes[] = {256, 128, 64, 32};
  QB_TRY(const lowering::GroupedWeight w, group_rows(weights, sizes));
  return l.device().is_cpu() ? int4_on_cpu(l, w, bias) : int4_on_metal(l, w, bias);
}

// The kernel knows no zero point: what code 128 stands for is added as (sum of x) times it.
Product int8_product(Lowering& l, const lowering::GroupedWeight& w, const at::Tensor& bias) {
  const WeightShape shape =
      l.device().is_cpu() ? int8_shape_on_cpu(shape_of(w)) : int8_shape_on_metal(shape_of(w));
  const at::ScalarType type = type_of(l);
  const at::Tensor codes =
      at::bitwise_xor(padded_codes(w, shape, 128), 128).view(at::kChar).to(l.device());
  const at::Tensor scales =
      at::constant_pad_nd(l.tensor_of(w.scales.data(), {w.row_count}, at::kFloat),
                          {0, shape.row_count - w.row_count})
          .to(type);
  std::vector<float> middles(w.scales.size());
  for (size_t i = 0; i < middles.size(); ++i) middles[i] = w.minimums[i] + 128.0f * w.scales[i];
  const at::Tensor offsets = is_symmetric(w, 128.0f)
                                 ? at::Tensor()
                                 : l.tensor_of(middles.data(), {w.row_count}, at::kFloat);
  l.note("linear", fmt::format("_weight_int8pack_mm, 8-bit weights with a scale a row, {} "
                               "activations and scales{}",
                               name_of(type),
                               offsets.defined() ? "; zero points as a product of their own" : ""));
  l.count("_weight_int8pack_mm");
  return {[=, row_count = w.row_count](const at::Tensor& x) {
    const at::Tensor y =
        at::_weight_int8pack_mm(kernel_rows(x, shape.column_count, type), codes, scales);
    const at::Tensor out = output_rows(y, x, row_count, bias);
    return offsets.defined() ? at::addcmul(out, x.sum(-1, /*keepdim=*/true), offsets) : out;
  }};
}

}  // namespace qb::pytorch
