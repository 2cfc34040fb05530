#include "compression/bundle/encode.h"

#include <atomic>
#include <cmath>

#include "base/float16.h"
#include "base/parallel.h"
#include "compression/bundle/layout.h"

namespace qb::bundle {
namespace {

using ggml::BlockFormat;

// Largest weight that the format's fp16 scale holds.
constexpr float fp16_max = 65504.0f;

}  // namespace

Result<Stored> Encoder::encode(const ir::Graph& graph, ir::Value parameter,
                               const quant::Scheme& scheme, std::span<const float> values) {
  if (const int64_t bad = quant::find_unstorable(values, thread_count_); bad >= 0)
    return fail(Errc::bad_input, "weight {} is {}: too large to store", bad,
                values[static_cast<size_t>(bad)]);
  const Extent extent = extent_of(ir::bind(graph[parameter].shape, {}));
  if (!is_quantized(graph, parameter, scheme))
    return Stored{.encoding = Encoding::f32, .bytes = std::as_bytes(values)};
  switch (scheme.weight_type) {
    case quant::WeightType::f16:
      return encode_halves(true, values);
    case quant::WeightType::bf16:
      return encode_halves(false, values);
    case quant::WeightType::block:
      return encode_blocks(scheme.block, extent.column_count, values);
    case quant::WeightType::micro:
      return encode_micro({scheme.micro, extent.row_count, extent.column_count}, values);
    case quant::WeightType::table:
      return encode_tables(quant::table_layout(extent.row_count, extent.column_count,
                                               scheme.weight_bits, scheme.group_size),
                           values);
    default:
      return keep(quant::quantize(values,
                                  quant::layout_for(scheme, extent.row_count, extent.column_count),
                                  quant::scale_fit_of(scheme), thread_count_));
  }
}

Stored Encoder::keep(quant::Packed packed) {
  packed_ = std::move(packed);
  return {.encoding = Encoding::packed, .packed = packed_.view()};
}

Result<Stored> Encoder::encode_micro(const quant::MicroscaledLayout& layout,
                                     std::span<const float> values) {
  const quant::MicroscalingRow& format = quant::row_of(layout.format);
  for (const float value : values)
    if (std::fabs(value) > format.largest_weight)
      return fail(Errc::bad_input, "weight {} is beyond {}'s {}", value, format.name,
                  format.largest_weight);
  micro_ = quant::encode_microscaled(layout, values, thread_count_);
  return Stored{.encoding = Encoding::micro, .micro = micro_.view()};
}

Result<Stored> Encoder::encode_tables(const quant::TableLayout& layout,
                                      std::span<const float> values) {
  for (const float value : values)
    if (std::fabs(value) > fp16_max)
      return fail(Errc::bad_input, "weight {} is beyond fp16's 65504", value);
  table_ = quant::make_tables(layout, values, thread_count_);
  return Stored{.encoding = Encoding::table, .table = table_.view()};
}

Result<Stored> Encoder::encode_halves(bool is_f16, std::span<const float> values) {
  halves_.clear();
  halves_.reserve(values.size());
  for (const float value : values) {
    if (is_f16 && std::fabs(value) > fp16_max)
      return fail(Errc::bad_input, "weight {} is beyond fp16's 65504", value);
    halves_.push_back(is_f16 ? float_to_fp16(value) : float_to_bf16(value));
  }
  return Stored{.encoding = is_f16 ? Encoding::f16 : Encoding::bf16,
                .bytes = std::as_bytes(std::span(halves_))};
}

Result<Stored> Encoder::encode_blocks(BlockFormat format, int64_t column_count,
                                      std::span<const float> values) {
  const std::optional<BlockFormat> fitting = fitting_block(format, column_count);
  if (!fitting) return encode_halves(true, values);
  const ggml::BlockRow& row = ggml::row_of(*fitting);
  const auto block_count = static_cast<int64_t>(values.size()) / row.length;
  blocks_.resize(static_cast<size_t>(block_count * row.bytes));
  std::atomic<bool> is_too_large = false;
  parallel_for(block_count, 1024, thread_count_, [&](int64_t first, int64_t last) {
    const auto part = values.subspan(static_cast<size_t>(first * row.length),
                                     static_cast<size_t>((last - first) * row.length));
    for (const float value : part)
      if (std::fabs(value) > fp16_max) is_too_large = true;
    ggml::encode(*fitting, part,
                 std::span(blocks_).subspan(static_cast<size_t>(first * row.bytes),
                                            static_cast<size_t>((last - first) * row.bytes)));
  });
  if (is_too_large) return fail(Errc::bad_input, "a weight is beyond fp16's 65504");
  return Stored{.encoding = Encoding::block, .bytes = blocks_, .block = *fitting};
}

}  // namespace qb::bundle
