// Weights as entries of small tables, chosen by k-means (Han et al. 2016, "Deep Compression"; Core
// ML calls it palettizing). Rows that follow each other share a table.
//
//   codes    of `bits` bits, as one little-endian stream: weight i at bits [i * bits, (i + 1) *
//   bits) entries  fp16 [table_count, 2^bits], rising
//
// weight = entries[table of its row][code]
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace qb::quant {

struct TableLayout {
  int64_t row_count = 0;
  int64_t column_count = 0;
  int32_t bits = 4;       // 1, 2, 3, 4, 6 or 8
  int64_t rows_each = 0;  // that share a table; divides row_count

  int64_t table_count() const { return row_count / rows_each; }
  int64_t entry_count() const { return int64_t{1} << bits; }  // of a table
  size_t code_bytes() const {
    return static_cast<size_t>((row_count * column_count * bits + 7) / 8);
  }
  size_t entry_total() const { return static_cast<size_t>(table_count() * entry_count()); }
};

// `group_rows` rows or, where that leaves a rest, as many fewer as leave none; 0: all rows share
// one.
TableLayout table_layout(int64_t row_count, int64_t column_count, int32_t bits, int64_t group_rows);
bool is_table_bits(int64_t bits);

// Views into memory owned elsewhere.
struct TabledView {
  TableLayout layout;
  std::span<const uint8_t> codes;
  std::span<const uint16_t> entries;

  int32_t code(int64_t index) const;
};

struct Tabled {
  TableLayout layout;
  std::vector<uint8_t> codes;
  std::vector<uint16_t> entries;

  TabledView view() const { return {layout, codes, entries}; }
};

// The tables of least squared error that k-means finds from evenly filled ones. The same for any
// number of threads. |values| are at most fp16's largest.
Tabled make_tables(const TableLayout& layout, std::span<const float> values,
                   int64_t thread_count = 1);
void decode_tabled(const TabledView& weight, std::span<float> out);

}  // namespace qb::quant
