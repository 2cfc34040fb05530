#include "measurement/engines/mlx/weight.h"

#include <cstring>

namespace qb::mlx {
namespace {

constexpr int64_t group_sizes[] = {128, 64, 32};
// Below, handing work to another thread takes as long as the work.
constexpr int rows_worth_splitting = 128;

// The codes of whole rows as MLX stores them: a little-endian stream in words.
std::vector<uint32_t> pack_words(std::span<const uint8_t> codes, int32_t bits) {
  std::vector<uint32_t> words(codes.size() * static_cast<size_t>(bits) / 32);
  for (size_t i = 0; i < codes.size(); ++i) {
    const size_t first_bit = i * static_cast<size_t>(bits);
    const uint64_t placed = static_cast<uint64_t>(codes[i]) << (first_bit % 32);
    words[first_bit / 32] |= static_cast<uint32_t>(placed);
    if (placed >> 32) words[first_bit / 32 + 1] |= static_cast<uint32_t>(placed >> 32);
  }
  return words;
}

mx::array without_padding(const mx::array& rows, const QuantizedWeight& w) {
  if (w.stored_columns == w.column_count) return rows;
  mx::Shape stop = rows.shape();
  stop.back() = static_cast<mx::ShapeElem>(w.column_count);
  return mx::slice(rows, mx::Shape(stop.size(), 0), stop);
}

mx::array rows_of(const mx::array& x, int first, int last) {
  mx::array part = mx::slice(x, mx::Shape{first, 0}, mx::Shape{last, x.shape(1)});
  part.eval();
  return part;
}

QuantizedWeight rows_of(const QuantizedWeight& w, int first, int last) {
  QuantizedWeight part = w;
  part.codes = rows_of(w.codes, first, last);
  part.scales = rows_of(w.scales, first, last);
  if (w.biases) part.biases = rows_of(*w.biases, first, last);
  return part;
}

// Its floats in another type; the scales of microscaling formats are what they are.
QuantizedWeight with_type(QuantizedWeight w, mx::Dtype type) {
  w.type = type;
  if (!w.biases) return w;
  for (mx::array* floats : {&w.scales, &*w.biases}) {
    *floats = mx::astype(*floats, type);
    floats->eval();
  }
  return w;
}

mx::array dequantize(const QuantizedWeight& w, const mx::array& codes, const mx::array& scales,
                     const std::optional<mx::array>& biases) {
  return without_padding(
      mx::dequantize(codes, scales, biases, w.group_size, w.bits, w.mode, std::nullopt, w.type), w);
}

}  // namespace

QuantizedWeight to_mlx(const lowering::GroupedWeight& g) {
  const std::vector<uint32_t> words = pack_words(g.codes, g.bits);
  const int64_t groups = g.groups_per_row();
  return {.codes = mx::array(words.data(),
                             shape_of({{g.row_count, g.stored_columns * g.bits / 32}}), mx::uint32),
          .scales = mx::array(g.scales.data(), shape_of({{g.row_count, groups}}), mx::float32),
          .biases = mx::array(g.minimums.data(), shape_of({{g.row_count, groups}}), mx::float32),
          .column_count = g.column_count,
          .stored_columns = g.stored_columns,
          .group_size = static_cast<int>(g.group_size),
          .bits = g.bits};
}

QuantizedWeight to_mlx(const quant::MicroscaledView& w) {
  const quant::MicroscalingRow& format = quant::row_of(w.layout.format);
  const int64_t rows = w.layout.row_count;
  std::vector<uint32_t> words(w.codes.size() / 4);
  std::memcpy(words.data(), w.codes.data(), w.codes.size());
  return {.codes = mx::array(words.data(),
                             shape_of({{rows, w.layout.stored_columns() * format.bits / 32}}),
                             mx::uint32),
          .scales =
              mx::array(w.scales.data(), shape_of({{rows, w.layout.groups_per_row()}}), mx::uint8),
          .biases = std::nullopt,
          .column_count = w.layout.column_count,
          .stored_columns = w.layout.stored_columns(),
          .group_size = static_cast<int>(format.group_size),
          .bits = format.bits,
          .mode = std::string(format.name)};
}

Result<QuantizedWeight> load_quantized(const bundle::Parameter& parameter, mx::Dtype type) {
  if (parameter.encoding == bundle::Encoding::micro)
    return with_type(to_mlx(parameter.micro), type);
  auto grouped = lowering::group_weight(parameter, group_sizes);
  if (grouped) return with_type(to_mlx(*grouped), type);
  grouped.error().message += "; MLX has groups of 32, 64 and 128";
  return tl::unexpected(std::move(grouped).error());
}

QuantizedWeight rows_joined(std::span<const QuantizedWeight> weights) {
  const auto joined = [&](auto part_of) {
    std::vector<mx::array> parts;
    for (const QuantizedWeight& w : weights) parts.push_back(part_of(w));
    mx::array whole = mx::concatenate(std::move(parts), 0);
    whole.eval();
    return whole;
  };
  QuantizedWeight all = weights[0];
  all.codes = joined([](const QuantizedWeight& w) { return w.codes; });
  all.scales = joined([](const QuantizedWeight& w) { return w.scales; });
  if (all.biases) all.biases = joined([](const QuantizedWeight& w) { return *w.biases; });
  return all;
}

Product::Product(const QuantizedWeight& weight, std::span<const mx::Stream> streams)
    : streams_(streams.begin(), streams.end()) {
  const int row_count = weight.codes.shape(0);
  const int part_count = row_count < rows_worth_splitting ? 1 : static_cast<int>(streams.size());
  for (int i = 0; i < part_count; ++i)
    parts_.push_back(rows_of(weight, row_count * i / part_count, row_count * (i + 1) / part_count));
}

mx::array Product::operator()(const mx::array& x) const {
  const auto padding = static_cast<int>(parts_[0].stored_columns - parts_[0].column_count);
  const mx::array input =
      padding == 0 ? x : mx::pad(x, std::vector<int>{-1}, mx::Shape{0}, mx::Shape{padding});
  std::vector<mx::array> products;
  for (size_t i = 0; i < parts_.size(); ++i) {
    const QuantizedWeight& w = parts_[i];
    products.push_back(mx::quantized_matmul(input, w.codes, w.scales, w.biases, /*transpose=*/true,
                                            w.group_size, w.bits, w.mode, streams_[i]));
  }
  return products.size() == 1 ? products[0] : mx::concatenate(std::move(products), -1);
}

mx::array rows_at(const QuantizedWeight& w, const mx::array& indices) {
  const auto rows_of = [&](const mx::array& all) { return mx::take(all, indices, 0); };
  return dequantize(w, rows_of(w.codes), rows_of(w.scales),
                    w.biases ? std::optional(rows_of(*w.biases)) : std::nullopt);
}

mx::array dequantized(const QuantizedWeight& w) {
  return dequantize(w, w.codes, w.scales, w.biases);
}

}  // namespace qb::mlx
