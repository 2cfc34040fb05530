#include "compression/quant/table.h"

#include <algorithm>

#include "base/float16.h"
#include "base/parallel.h"

namespace qb::quant {
namespace {

constexpr int round_count_max = 50;

// Where a sorted array is cut between one entry and the next: halfway.
std::vector<size_t> cuts_of(std::span<const float> sorted, std::span<const double> entries) {
  std::vector<size_t> cuts = {0};
  for (size_t i = 1; i < entries.size(); ++i) {
    const double middle = (entries[i - 1] + entries[i]) / 2;
    const auto cut =
        std::ranges::upper_bound(sorted, middle, {}, [](float v) { return double{v}; });
    cuts.push_back(static_cast<size_t>(cut - sorted.begin()));
  }
  cuts.push_back(sorted.size());
  return cuts;
}

// Lloyd's algorithm in one dimension: sums of a sorted array give a cluster's mean at once. A
// cluster that nothing is nearest to keeps its place.
std::vector<double> find_entries(std::span<const float> values, int64_t entry_count) {
  std::vector<float> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  std::vector<double> sums(sorted.size() + 1);
  for (size_t i = 0; i < sorted.size(); ++i) sums[i + 1] = sums[i] + double{sorted[i]};
  const auto count = static_cast<size_t>(entry_count);
  std::vector<double> entries(count);
  for (size_t i = 0; i < count; ++i)
    entries[i] = double{sorted[(2 * i + 1) * sorted.size() / (2 * count)]};
  std::vector<size_t> before;
  for (int round = 0; round < round_count_max; ++round) {
    std::vector<size_t> cuts = cuts_of(sorted, entries);
    if (cuts == before) break;
    for (size_t i = 0; i < count; ++i)
      if (cuts[i] < cuts[i + 1])
        entries[i] =
            (sums[cuts[i + 1]] - sums[cuts[i]]) / static_cast<double>(cuts[i + 1] - cuts[i]);
    std::ranges::sort(entries);
    before = std::move(cuts);
  }
  return entries;
}

// The nearest of rising entries; of two as near, the lower.
int32_t nearest(std::span<const float> entries, float value) {
  const auto above = std::ranges::lower_bound(entries, value);
  if (above == entries.begin()) return 0;
  const auto below = above - 1;
  const bool takes_below = above == entries.end() || value - *below <= *above - value;
  return static_cast<int32_t>((takes_below ? below : above) - entries.begin());
}

void put_code(std::span<uint8_t> codes, int64_t index, int32_t bits, int32_t code) {
  for (int32_t i = 0; i < bits; ++i) {
    const int64_t place = index * bits + i;
    codes[static_cast<size_t>(place / 8)] |= static_cast<uint8_t>(((code >> i) & 1) << (place % 8));
  }
}

}  // namespace

bool is_table_bits(int64_t bits) {
  return bits == 1 || bits == 2 || bits == 3 || bits == 4 || bits == 6 || bits == 8;
}

TableLayout table_layout(int64_t row_count, int64_t column_count, int32_t bits,
                         int64_t group_rows) {
  int64_t rows = group_rows == 0 ? row_count : std::min(group_rows, row_count);
  while (row_count % rows != 0) --rows;
  return {row_count, column_count, bits, rows};
}

int32_t TabledView::code(int64_t index) const {
  int32_t code = 0;
  for (int32_t i = 0; i < layout.bits; ++i) {
    const int64_t place = index * layout.bits + i;
    code |= ((codes[static_cast<size_t>(place / 8)] >> (place % 8)) & 1) << i;
  }
  return code;
}

Tabled make_tables(const TableLayout& layout, std::span<const float> values, int64_t thread_count) {
  Tabled out = {layout, std::vector<uint8_t>(layout.code_bytes()),
                std::vector<uint16_t>(layout.entry_total())};
  std::vector<uint8_t> codes(values.size());  // one each: the stream's bytes are shared by threads
  const int64_t each = layout.rows_each * layout.column_count;
  parallel_for(layout.table_count(), 1, thread_count, [&](int64_t first, int64_t last) {
    for (int64_t table = first; table < last; ++table) {
      const auto part =
          values.subspan(static_cast<size_t>(table * each), static_cast<size_t>(each));
      std::vector<float> entries;
      for (const double entry : find_entries(part, layout.entry_count())) {
        const uint16_t half = float_to_fp16(static_cast<float>(entry));
        out.entries[static_cast<size_t>(table * layout.entry_count()) + entries.size()] = half;
        entries.push_back(fp16_to_float(half));
      }
      for (size_t i = 0; i < part.size(); ++i)
        codes[static_cast<size_t>(table * each) + i] =
            static_cast<uint8_t>(nearest(entries, part[i]));
    }
  });
  for (size_t i = 0; i < codes.size(); ++i)
    put_code(out.codes, static_cast<int64_t>(i), layout.bits, codes[i]);
  return out;
}

void decode_tabled(const TabledView& weight, std::span<float> out) {
  const TableLayout& layout = weight.layout;
  const int64_t each = layout.rows_each * layout.column_count;
  for (size_t i = 0; i < out.size(); ++i) {
    const auto index = static_cast<int64_t>(i);
    const int64_t entry = index / each * layout.entry_count() + weight.code(index);
    out[i] = fp16_to_float(weight.entries[static_cast<size_t>(entry)]);
  }
}

}  // namespace qb::quant
