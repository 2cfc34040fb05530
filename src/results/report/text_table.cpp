#include "results/report/text_table.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "base/display_width.h"
#include "base/printable.h"

namespace qb::report {
namespace {

constexpr size_t gap = 2;             // before each column
constexpr size_t shortest_text = 12;  // what a text is shortened to at least

std::string padded(std::string_view text, size_t width, bool to_right) {
  const std::string spaces(width - std::min(width, display_width(text)), ' ');
  return to_right ? spaces + std::string(text) : std::string(text) + spaces;
}

size_t width_of(const analysis::Table& table, size_t column) {
  size_t width = display_width(table.columns[column].heading);
  for (const auto& row : table.rows) width = std::max(width, display_width(row[column].text));
  return width;
}

size_t total(const std::vector<size_t>& widths) {
  return std::accumulate(widths.begin(), widths.end(), gap * widths.size());
}

// The table without the column; its heading goes to `left_out`.
void leave_out(analysis::Table& table, size_t column, std::vector<std::string>& left_out) {
  const auto index = static_cast<std::ptrdiff_t>(column);
  left_out.push_back(table.columns[column].heading);
  table.columns.erase(table.columns.begin() + index);
  for (auto& row : table.rows) row.erase(row.begin() + index);
}

// How soon a column goes: by its rank; columns that may go and hold no value go first.
int dispensability(const analysis::Table& table, size_t column) {
  const int rank = table.columns[column].rank;
  const bool is_empty =
      !table.columns[column].unit.empty() && std::ranges::none_of(table.rows, [&](const auto& row) {
        return row[column].value.has_value();
      });
  return rank > 0 && is_empty ? rank + 100 : rank;
}

// Leaves out columns until the rest fits or nothing may go any more.
std::vector<std::string> fit(analysis::Table& table, size_t column_count) {
  std::vector<std::string> left_out;
  while (true) {
    size_t width = 0;
    size_t least = 0;
    for (size_t i = 0; i < table.columns.size(); ++i) {
      width += gap + width_of(table, i);
      if (dispensability(table, i) > dispensability(table, least)) least = i;
    }
    if (width <= column_count || table.columns[least].rank == 0) return left_out;
    leave_out(table, least, left_out);
  }
}

// Takes from the widest texts what the lines are too wide; figures stay whole.
void narrow_texts(const analysis::Table& table, size_t column_count, std::vector<size_t>& widths) {
  while (total(widths) > column_count) {
    size_t widest = widths.size();
    for (size_t i = 0; i < widths.size(); ++i)
      if (table.columns[i].unit.empty() && widths[i] > shortest_text &&
          (widest == widths.size() || widths[i] > widths[widest]))
        widest = i;
    if (widest == widths.size()) return;
    --widths[widest];
  }
}

}  // namespace

std::string table_text(const analysis::Table& given, const Layout& layout) {
  analysis::Table table = given;
  for (auto& row : table.rows)  // before it is measured: what a terminal acts on, as its escape
    for (analysis::Cell& cell : row) cell.text = printable(cell.text);
  std::vector<std::string> left_out;
  if (!layout.is_wide) left_out = fit(table, layout.column_count);
  std::vector<size_t> widths;
  for (size_t i = 0; i < table.columns.size(); ++i) widths.push_back(width_of(table, i));
  if (!layout.is_wide) narrow_texts(table, layout.column_count, widths);
  const auto line = [&](auto&& text_of) {
    std::string out;
    for (size_t i = 0; i < widths.size(); ++i)
      out += std::string(gap, ' ') +
             padded(shortened(text_of(i), widths[i]), widths[i], !table.columns[i].unit.empty());
    return out.substr(0, out.find_last_not_of(' ') + 1) + "\n";
  };
  std::string text = line([&](size_t i) { return table.columns[i].heading; });
  for (const auto& row : table.rows) text += line([&](size_t i) { return row[i].text; });
  if (!left_out.empty())
    text += wrapped_line(
        fmt::format("  not shown for width: {} (--wide)", fmt::join(left_out, ", ")), 4, layout);
  return text;
}

std::string wrapped_line(std::string_view text, size_t indent, const Layout& layout) {
  const std::string shown = printable(text);
  return (layout.is_wide ? shown : wrapped(shown, layout.column_count, indent)) + "\n";
}

}  // namespace qb::report
