// Weights: constants in floating point, and codes that stay codes in the package.
#include <algorithm>
#include <cmath>

#include "base/float16.h"
#include "base/small_float.h"
#include "compression/quant/unpacked_blocks.h"
#include "measurement/engines/coreml/lowering.h"

namespace qb::coreml {
namespace {

constexpr size_t piece_count = 1u << 16;  // elements that are converted at a time

// Elements of a float type, of values given by their index.
template <typename Get>
void write_reals(const Sink& sink, Type type, int64_t count, const Get& get) {
  std::vector<float> floats;
  std::vector<uint16_t> halves;
  for (int64_t start = 0; start < count;) {
    const int64_t end = std::min(count, start + static_cast<int64_t>(piece_count));
    floats.clear();
    for (; start < end; ++start) floats.push_back(get(start));
    if (type == Type::f32) {
      sink(std::as_bytes(std::span<const float>(floats)));
      continue;
    }
    halves.resize(floats.size());
    std::ranges::transform(floats, halves.begin(), float_to_fp16);
    sink(std::as_bytes(std::span<const uint16_t>(halves)));
  }
}

// Codes of `bits` bits as one stream, each row's first right after the row before.
template <typename Get>
void write_codes(const Sink& sink, int32_t bits, int64_t count, const Get& get) {
  std::vector<uint8_t> piece;
  uint32_t pending = 0;
  int32_t pending_bits = 0;
  const auto flush = [&] {
    sink(std::as_bytes(std::span<const uint8_t>(piece)));
    piece.clear();
  };
  for (int64_t i = 0; i < count; ++i) {
    pending |= static_cast<uint32_t>(get(i)) << pending_bits;
    for (pending_bits += bits; pending_bits >= 8; pending_bits -= 8, pending >>= 8)
      piece.push_back(static_cast<uint8_t>(pending));
    if (piece.size() >= piece_count) flush();
  }
  if (pending_bits > 0) piece.push_back(static_cast<uint8_t>(pending));
  flush();
}

// Bytes that lie as they are to be written, but for bits that are turned over.
void write_bytes(const Sink& sink, std::span<const uint8_t> bytes, uint8_t mask) {
  std::vector<uint8_t> piece;
  for (size_t start = 0; start < bytes.size(); start += piece_count) {
    const auto part = bytes.subspan(start, std::min(piece_count, bytes.size() - start));
    piece.assign(part.begin(), part.end());
    for (uint8_t& byte : piece) byte ^= mask;
    sink(std::as_bytes(std::span<const uint8_t>(piece)));
  }
}

Result<Value> lower_floats(Lowering& l, const bundle::Parameter& p) {
  const auto* halves = reinterpret_cast<const uint16_t*>(p.bytes.data());
  const auto get = [&](int64_t i) {
    return p.encoding == bundle::Encoding::f32   ? p.f32()[static_cast<size_t>(i)]
           : p.encoding == bundle::Encoding::f16 ? fp16_to_float(halves[i])
                                                 : bf16_to_float(halves[i]);
  };
  if (p.encoding == bundle::Encoding::bf16 && l.compute() == Type::f16)
    l.note("weights", "bf16 as f16: Core ML has no bf16");
  const int64_t count = element_count(p.shape);
  if (l.compute() == Type::f16)
    for (int64_t i = 0; i < count; ++i)
      if (std::isinf(fp16_to_float(float_to_fp16(get(i)))))
        return fail(Errc::unsupported, "{} has the value {}, which f16 doesn't reach", p.name,
                    get(i));
  const std::string key = fmt::format("{}/{}", p.name, l.compute() == Type::f16 ? "f16" : "f32");
  return l.function().constant(p.name, l.stored(key, l.compute(), p.shape, [&](const Sink& sink) {
    write_reals(sink, l.compute(), count, get);
  }));
}

// How a matrix of codes, with a scale for each run of a row, lies in a weight of any rank.
struct Placing {
  Shape codes, scales;  // what Core ML dequantizes
  Shape weight;         // the weight's own
};

// Runs that end between two of a kernel's places, or that are padded, are dequantized as a matrix.
Placing placing_of(const Shape& weight, const quant::PackedLayout& layout) {
  Placing placing = {weight, Shape(weight.size(), 1), weight};
  const int64_t groups = layout.groups_per_row();
  if (!layout.per_tensor) placing.scales[0] = weight[0];
  if (groups == 1) return placing;
  const int64_t place_count =
      weight.size() < 2 ? 1 : layout.column_count / weight[1];  // of the kernel
  const bool is_whole = groups * layout.group_size == layout.column_count;
  if (is_whole && weight.size() > 1 && layout.group_size % place_count == 0) {
    placing.scales[1] = groups;
    return placing;
  }
  placing.codes = {layout.row_count, groups * layout.group_size};
  placing.scales = {layout.row_count, groups};
  return placing;
}

// A dequantized matrix without its padding, in the weight's shape.
Value shaped(Lowering& l, const Value& matrix, const Placing& placing) {
  if (matrix.shape == placing.weight) return matrix;
  const int64_t columns = element_count(placing.weight) / placing.weight[0];
  return l.reshape(l.slice(matrix, {0, 0}, {placing.weight[0], columns}), placing.weight);
}

struct Codes {
  const std::string& name;
  const quant::PackedView& packed;
  Placing placing;
};

Constant data_of(Lowering& l, const Codes& c) {
  const quant::PackedLayout& layout = c.packed.layout;
  const bool is_signed = layout.symmetric && !layout.has_minimums;
  const Type type =
      layout.bits == 4 ? (is_signed ? Type::i4 : Type::u4) : (is_signed ? Type::i8 : Type::u8);
  const int64_t columns = element_count(c.placing.codes) / layout.row_count;
  const bool is_tight = layout.row_bytes() * 8 == columns * layout.bits;
  return l.stored(c.name + "/codes", type, c.placing.codes, [&](const Sink& sink) {
    if (is_tight)
      return write_bytes(sink, c.packed.codes,
                         !is_signed         ? 0
                         : layout.bits == 4 ? uint8_t{0x88}
                                            : uint8_t{0x80});
    const int32_t sign = is_signed ? 1 << (layout.bits - 1) : 0;
    write_codes(sink, layout.bits, layout.row_count * columns,
                [&](int64_t i) { return c.packed.code(i / columns, i % columns) ^ sign; });
  });
}

std::string float_key(const Lowering& l, std::string_view name, std::string_view part) {
  return fmt::format("{}/{} {}", name, part, l.compute() == Type::f16 ? "f16" : "f32");
}

Constant scales_of(Lowering& l, const Codes& c, const Shape& shape) {
  return l.stored(float_key(l, c.name, "scales"), l.compute(), shape, [&](const Sink& sink) {
    write_reals(sink, l.compute(), static_cast<int64_t>(c.packed.scales.size()),
                [&](int64_t i) { return c.packed.scales[static_cast<size_t>(i)]; });
  });
}

Constant zero_points_of(Lowering& l, const Codes& c, const Shape& shape) {
  const quant::PackedLayout& layout = c.packed.layout;
  const bool is_signed = layout.symmetric;
  const Type type = layout.bits == 4 ? Type::u4 : is_signed ? Type::i8 : Type::u8;
  const int64_t groups = layout.groups_per_row();
  return l.stored(c.name + "/zero points", type, shape, [&](const Sink& sink) {
    write_codes(sink, layout.bits, static_cast<int64_t>(layout.scale_count()), [&](int64_t i) {
      return is_signed ? 0 : c.packed.zero_point(i / groups, i % groups);
    });
  });
}

// weight = scale * (code - offset) = scale * code + minimum.
Constant offsets_of(Lowering& l, const Codes& c) {
  return l.stored(float_key(l, c.name, "offsets"), l.compute(), c.placing.scales,
                  [&](const Sink& sink) {
                    write_reals(sink, l.compute(), static_cast<int64_t>(c.packed.scales.size()),
                                [&](int64_t i) {
                                  const auto at = static_cast<size_t>(i);
                                  const float scale = c.packed.scales[at];
                                  return scale == 0.0f ? 0.0f : -c.packed.minimums[at] / scale;
                                });
                  });
}

// What f16 makes of scales and offsets has to be finite, and a scale of 0 can't carry a minimum.
Result<void> check_scales(Lowering& l, const Codes& c) {
  constexpr float smallest_normal_f16 = 6.1035e-5f;
  bool is_small = false;
  for (size_t i = 0; i < c.packed.scales.size(); ++i) {
    const float scale = c.packed.scales[i];
    const float minimum = c.packed.minimums.empty() ? 0.0f : c.packed.minimums[i];
    if (scale == 0.0f && minimum != 0.0f)
      return fail(Errc::unsupported,
                  "{}: a group has a minimum and no scale, which Core ML's "
                  "offset can't say",
                  c.name);
    if (l.compute() != Type::f16) continue;
    if (std::isinf(fp16_to_float(float_to_fp16(scale))))
      return fail(Errc::unsupported, "{}: the scale {} is beyond f16; :f32 takes it", c.name,
                  scale);
    is_small |= scale != 0.0f && std::fabs(scale) < smallest_normal_f16;
  }
  if (is_small) l.note("scales", "some are so small that f16 keeps few of their bits");
  return {};
}

Result<Value> lower_affine(Lowering& l, const Codes& c) {
  const quant::PackedLayout& layout = c.packed.layout;
  if (layout.bits != 8 || layout.groups_per_row() > 1 || layout.has_minimums)
    return fail(Errc::unsupported,
                "before iOS 18 and macOS 15, Core ML has only weights of 8 bits, with a scale for "
                "each tensor or channel");
  const Shape shape = layout.per_tensor ? Shape{} : Shape{layout.row_count};
  l.note("weights", "constexpr_affine_dequantize");
  return l.function().compressed("constexpr_affine_dequantize",
                                 {{"quantized_data", data_of(l, c)},
                                  {"zero_point", zero_points_of(l, c, shape)},
                                  {"scale", scales_of(l, c, shape)},
                                  {"axis", integer(0)}},
                                 l.compute(), c.placing.weight, true);
}

Result<Value> lower_packed(Lowering& l, const bundle::Parameter& p,
                           const quant::PackedView& packed) {
  const Codes c = {p.name, packed, placing_of(p.shape, packed.layout)};
  QB_CHECK(check_scales(l, c));
  if (!l.target().is_of_2024()) return lower_affine(l, c);
  Operands parts = {{"data", data_of(l, c)}, {"scale", scales_of(l, c, c.placing.scales)}};
  if (packed.layout.has_minimums)
    parts.emplace_back("offset", offsets_of(l, c));
  else if (!packed.layout.symmetric)
    parts.emplace_back("offset", zero_points_of(l, c, c.placing.scales));
  l.note("weights", fmt::format("constexpr_blockwise_shift_scale, {} bits", packed.layout.bits));
  return shaped(l,
                l.function().compressed("constexpr_blockwise_shift_scale", parts, l.compute(),
                                        c.placing.codes, false),
                c.placing);
}

Result<Value> lower_blocks(Lowering& l, const bundle::Parameter& p) {
  const int64_t columns = element_count(p.shape) / p.shape[0];
  const quant::UnpackedBlocks blocks = quant::unpack_blocks(p.block, p.bytes, p.shape[0], columns);
  quant::PackedView packed = {blocks.layout, blocks.codes, blocks.scales, {}, blocks.minimums};
  packed.layout.has_minimums = !blocks.minimums.empty();
  return lower_packed(l, p, packed);
}

// What a group's byte stands for, as microscaling.h tells it: E4M3, or E8M0's power of two.
float scale_of(quant::Microscaling format, uint8_t bits) {
  return format == quant::Microscaling::nvfp4 ? e4m3_to_float(bits) : e8m0_to_float(bits);
}

// Small floats are a table's entries, times a scale: one constexpr_ inside another.
Result<Value> lower_micro(Lowering& l, const bundle::Parameter& p) {
  const quant::MicroscaledLayout& layout = p.micro.layout;
  const quant::MicroscalingRow& format = quant::row_of(layout.format);
  if (!l.target().is_of_2024())
    return fail(Errc::unsupported, "before iOS 18 and macOS 15, Core ML can't scale blocks of {}",
                format.name);
  const bool is_small = format.bits == 4;
  std::vector<float> table(size_t{1} << format.bits);
  for (size_t i = 0; i < table.size(); ++i) {
    const auto code = static_cast<uint8_t>(i);
    table[i] = is_small ? e2m1_to_float(code) : e4m3_to_float(code);
    if (std::isnan(table[i])) table[i] = 0.0f;  // a code that no weight has
  }
  const int64_t groups = layout.groups_per_row();
  const Shape matrix = {layout.row_count, layout.stored_columns()};
  std::vector<float> scales(static_cast<size_t>(layout.row_count * groups));
  for (size_t i = 0; i < scales.size(); ++i) scales[i] = scale_of(layout.format, p.micro.scales[i]);
  const quant::PackedView checked = {.scales = scales};
  const Codes c = {p.name, checked, {matrix, {layout.row_count, groups}, p.shape}};
  QB_CHECK(check_scales(l, c));
  const Constant indices = l.stored(p.name + "/codes", is_small ? Type::u4 : Type::u8, matrix,
                                    [&](const Sink& sink) { write_bytes(sink, p.micro.codes, 0); });
  const Value values = l.function().compressed(
      "constexpr_lut_to_dense",
      {{"indices", indices},
       {"lut", l.stored(float_key(l, format.name, "table"), l.compute(),
                        {1, 1, static_cast<int64_t>(table.size()), 1},
                        [&](const Sink& sink) {
                          write_reals(sink, l.compute(), static_cast<int64_t>(table.size()),
                                      [&](int64_t i) { return table[static_cast<size_t>(i)]; });
                        })}},
      l.compute(), matrix, false);
  l.note("weights", fmt::format("constexpr_lut_to_dense of {} inside "
                                "constexpr_blockwise_shift_scale",
                                format.name));
  return shaped(
      l,
      l.function().compressed("constexpr_blockwise_shift_scale",
                              {{"data", values}, {"scale", scales_of(l, c, c.placing.scales)}},
                              l.compute(), matrix, false),
      c.placing);
}

Result<Value> lower_tables(Lowering& l, const bundle::Parameter& p) {
  const quant::TableLayout& layout = p.table.layout;
  const Type type = layout.bits == 1   ? Type::u1
                    : layout.bits == 2 ? Type::u2
                    : layout.bits == 3 ? Type::u3
                    : layout.bits == 4 ? Type::u4
                    : layout.bits == 6 ? Type::u6
                                       : Type::u8;
  const auto indices = [&](Type element, const Shape& shape) {
    return l.stored(p.name + "/codes", element, shape,
                    [&](const Sink& sink) { write_bytes(sink, p.table.codes, 0); });
  };
  const auto entries = [&](const Shape& shape) {
    return l.stored(float_key(l, p.name, "table"), l.compute(), shape, [&](const Sink& sink) {
      write_reals(sink, l.compute(), static_cast<int64_t>(p.table.entries.size()), [&](int64_t i) {
        return fp16_to_float(p.table.entries[static_cast<size_t>(i)]);
      });
    });
  };
  l.note("weights", fmt::format("constexpr_lut_to_dense, {} bits", layout.bits));
  if (!l.target().is_of_2024()) {
    if (layout.table_count() > 1 || layout.bits == 3)
      return fail(
          Errc::unsupported,
          "before iOS 18 and macOS 15, Core ML has a table for a whole tensor only, and not "
          "of 3 bits");
    std::vector<uint32_t> extents(p.shape.begin(), p.shape.end());
    const auto bytes = std::as_bytes(std::span(extents));
    const Constant shape = {.type = Type::u32,
                            .shape = {static_cast<int64_t>(extents.size())},
                            .bytes = {bytes.begin(), bytes.end()}};
    return l.function().compressed(
        "constexpr_lut_to_dense",
        {{"indices", indices(Type::u8, {static_cast<int64_t>(p.table.codes.size())})},
         {"lut", entries({layout.entry_count()})},
         {"shape", shape}},
        l.compute(), p.shape, true);
  }
  Shape table(p.shape.size(), 1);
  table[0] = layout.table_count();
  table.insert(table.end(), {layout.entry_count(), 1});
  return l.function().compressed("constexpr_lut_to_dense",
                                 {{"indices", indices(type, p.shape)}, {"lut", entries(table)}},
                                 l.compute(), p.shape, false);
}

}  // namespace

Result<Value> lower_weight(Lowering& l, const bundle::Parameter& p) {
  switch (p.encoding) {
    case bundle::Encoding::packed:
      return lower_packed(l, p, p.packed);
    case bundle::Encoding::block:
      return lower_blocks(l, p);
    case bundle::Encoding::micro:
      return lower_micro(l, p);
    case bundle::Encoding::table:
      return lower_tables(l, p);
    default:
      return lower_floats(l, p);
  }
}

}  // namespace qb::coreml
