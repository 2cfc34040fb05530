#include "measurement/lowering/grouped_weight.h"

#include <algorithm>

#include "compression/bundle/layout.h"
#include "compression/quant/unpacked_blocks.h"

namespace qb::lowering {
namespace {

// What the groups are cut from, whatever the encoding.
struct Source {
  quant::PackedView packed;
  std::vector<float> minimums;  // of block formats with minimums: weight = code * scale + minimum
  quant::UnpackedBlocks blocks;

  bool is_one_group() const { return packed.layout.groups_per_row() == 1; }
  float minimum(int64_t row, int64_t group) const {
    if (packed.layout.has_minimums) return packed.minimum(row, group);
    if (!minimums.empty())
      return minimums[static_cast<size_t>(row * packed.layout.groups_per_row() + group)];
    return -static_cast<float>(packed.zero_point(row, group)) * packed.scale(row, group);
  }
};

Source source_of(const bundle::Parameter& parameter) {
  Source source;
  if (parameter.encoding == bundle::Encoding::packed) {
    source.packed = parameter.packed;
    return source;
  }
  const bundle::Extent extent = bundle::extent_of(parameter.shape);
  source.blocks =
      quant::unpack_blocks(parameter.block, parameter.bytes, extent.row_count, extent.column_count);
  source.packed = {source.blocks.layout, source.blocks.codes, source.blocks.scales, {}};
  source.minimums = std::move(source.blocks.minimums);
  return source;
}

int64_t choose_size(const quant::PackedLayout& layout, std::span<const int64_t> sizes) {
  const bool is_one_group = layout.groups_per_row() == 1;
  int64_t padded = 0;
  for (const int64_t size : sizes) {
    if (size == 0) {
      if (is_one_group) return layout.column_count;
      continue;
    }
    if (!is_one_group && layout.group_size % size != 0) continue;
    if (layout.column_count % size == 0) return size;
    // With padding: of a long row the largest, of a short one the smallest.
    if (padded == 0 || is_one_group) padded = size;
  }
  return padded;
}

}  // namespace

int32_t code_bits_of(const bundle::Parameter& parameter) {
  if (parameter.encoding == bundle::Encoding::packed) return parameter.packed.layout.bits;
  const int64_t length = ggml::row_of(parameter.block).length;
  return quant::unpack_blocks(parameter.block, {}, 0, length).layout.bits;
}

Result<GroupedWeight> group_weight(const bundle::Parameter& parameter,
                                   std::span<const int64_t> sizes) {
  const Source source = source_of(parameter);
  const quant::PackedLayout& layout = source.packed.layout;
  GroupedWeight w = {.row_count = layout.row_count,
                     .column_count = layout.column_count,
                     .group_size = choose_size(layout, sizes),
                     .bits = layout.bits};
  if (w.group_size == 0)
    return fail(Errc::unsupported, "{}: no kernel takes {}-bit weights in groups of {}",
                parameter.name, layout.bits, layout.group_size);
  w.stored_columns = (layout.column_count + w.group_size - 1) / w.group_size * w.group_size;
  w.codes.resize(static_cast<size_t>(w.row_count * w.stored_columns));
  const auto group_count = static_cast<size_t>(w.row_count * w.groups_per_row());
  w.scales.resize(group_count);
  w.minimums.resize(group_count);
  uint8_t* code = w.codes.data();
  size_t group = 0;
  for (int64_t row = 0; row < w.row_count; ++row) {
    for (int64_t start = 0; start < w.stored_columns; start += w.group_size, ++group) {
      const int64_t from = source.is_one_group() ? 0 : start / layout.group_size;
      w.scales[group] = source.packed.scale(row, from);
      w.minimums[group] = source.minimum(row, from);
      for (int64_t column = start; column < start + w.group_size; ++column)
        *code++ = static_cast<uint8_t>(column < layout.column_count
                                           ? source.packed.code(row, column)
                                           : source.packed.zero_point(row, from));
    }
  }
  return w;
}

GroupedWeight join_rows(std::span<const GroupedWeight> parts) {
  GroupedWeight joint = parts[0];
  for (const GroupedWeight& part : parts.subspan(1)) {
    joint.row_count += part.row_count;
    joint.codes.insert(joint.codes.end(), part.codes.begin(), part.codes.end());
    joint.scales.insert(joint.scales.end(), part.scales.begin(), part.scales.end());
    joint.minimums.insert(joint.minimums.end(), part.minimums.begin(), part.minimums.end());
  }
  return joint;
}

}  // namespace qb::lowering
