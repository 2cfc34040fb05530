// A run as Markdown.
#include <fmt/ranges.h>

#include "base/printable.h"
#include "results/report/report.h"
#include "results/sections/sections.h"

namespace qb::report {
namespace {

// A cell ends at a bar, a table at a line without one.
std::string escape_cell(std::string_view text) {
  std::string escaped;
  for (const char c : printable(text)) {
    if (c == '|') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string table_markdown(const analysis::Table& table) {
  std::string text = "|";
  for (const auto& column : table.columns)
    text += fmt::format(" {} |", escape_cell(column.heading));
  text += "\n|";
  for (const auto& column : table.columns) text += column.unit.empty() ? "---|" : "--:|";
  for (const auto& row : table.rows) {
    text += "\n|";
    for (const auto& cell : row) text += fmt::format(" {} |", escape_cell(cell.text));
  }
  return text + "\n";
}

// Each block ends with its last line; render_group parts them.
struct ToMarkdown {
  std::string operator()(const sections::Heading& heading) const {
    return fmt::format("### {}\n", heading.text);
  }
  std::string operator()(const sections::Paragraph& paragraph) const {
    return paragraph.text + "\n";
  }
  std::string operator()(const sections::List& list) const {
    std::string text = list.has_neighbours ? list.title + "\n\n" : "";
    for (const auto& item : list.items)
      text += item.label.empty() ? fmt::format("- {}\n", item.text)
                                 : fmt::format("- **{}**: {}\n", item.label, item.text);
    return text;
  }
  std::string operator()(const sections::Notes& notes) const {
    std::string text;
    for (const auto& note : notes.notes)
      text += fmt::format("- {}{}\n", notes.are_problems ? "**not ok** " : "", note.text);
    return text;
  }
  std::string operator()(const analysis::Table& table) const { return table_markdown(table); }
  std::string operator()(const sections::Figure&) const { return {}; }
  std::string operator()(const sections::Folded&) const { return {}; }
};

// A blank line stands between blocks, but notes and problems are one list.
std::string joined(const sections::Blocks& blocks) {
  std::string text;
  bool was_notes = false;
  for (const sections::Block& block : blocks) {
    const std::string part = std::visit(ToMarkdown{}, block);
    if (part.empty()) continue;
    const bool is_notes = std::holds_alternative<sections::Notes>(block);
    if (!text.empty() && !(was_notes && is_notes)) text += "\n";
    text += part;
    was_notes = is_notes;
  }
  return text;
}

std::string group_markdown(const analysis::ModelGroup& group) {
  sections::Blocks blocks;
  for (const sections::Section* section : sections::sections_of_text())
    for (sections::Block& block : section->build(group)) blocks.push_back(std::move(block));
  return joined(blocks);
}

std::string host_text(const Run& run) {
  const Json& host = run.host;
  std::vector<std::string> kinds;
  for (const char* kind : {"super", "performance", "efficiency"})
    if (const Json& count = host[std::string(kind) + "_cores"]; count.is_int())
      kinds.push_back(fmt::format("{} {}", count.as_int(), kind));
  std::string text =
      fmt::format("{}, {} cores", host["cpu"].as_string(), host["physical_cores"].as_int());
  if (!kinds.empty()) text += fmt::format(" ({})", fmt::join(kinds, ", "));
  if (host["gpu_cores"].is_int()) text += fmt::format(", {} GPU cores", host["gpu_cores"].as_int());
  for (const char* bytes : {"memory_bytes", "memory_bandwidth_bytes_per_s"})
    if (host["chip"].is_string() && host[bytes].is_number())
      text += ", " + host_value_text(bytes, host[bytes]);
  if (host["power_mode"].is_string() && host["power_mode"].as_string() != "automatic")
    text += fmt::format(", {} power mode", host["power_mode"].as_string());
  return fmt::format("{}, {}", text, host["os"].as_string());
}

}  // namespace

std::string markdown_of(const sections::Blocks& blocks) { return printable_lines(joined(blocks)); }

std::string render_markdown(const Document& document) {
  std::string text = fmt::format("## qbench: {} ({})\n\n{}\n\n", document.run.suite_name,
                                 document.run.started_at, host_text(document.run));
  for (const auto& group : analysis::group_by_model(document.records))
    text += group_markdown(group) + "\n";
  return printable_lines(text);
}

}  // namespace qb::report
