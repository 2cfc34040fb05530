// Tables as text: for the terminal and as Markdown.
#include <algorithm>

#include "base/printable.h"
#include "results/analysis/frameworks.h"
#include "results/analysis/table.h"
#include "results/analysis/verdict.h"
#include "results/report/notes.h"
#include "results/report/report.h"
#include "results/report/text_table.h"

namespace qb::report {
namespace {

constexpr size_t note_count_max = 3;  // of those that are no reservations

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
  std::string text = fmt::format("### {}\n\n|", table.title);
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

std::string bulleted(const std::vector<std::string>& lines, std::string_view prefix) {
  std::string text;
  for (const std::string& line : lines) text += fmt::format("{}{}\n", prefix, line);
  return text;
}

// All reservations, and as many of the rest as a terminal has room for.
std::string notes_text(const std::vector<const Record*>& records, const Layout& layout) {
  std::string text;
  size_t shown = 0;
  size_t left_out = 0;
  for (const Note& note : notes_of(records)) {
    const bool may_go = note.kind != NoteKind::reservation && !layout.is_wide;
    if (may_go && shown == note_count_max) {
      ++left_out;
      continue;
    }
    shown += may_go ? 1 : 0;
    text += wrapped_line("  " + note.text, 4, layout);
  }
  if (left_out > 0)
    text += wrapped_line(fmt::format("  {} more note{} on kernels and data: --wide, or the page",
                                     left_out, left_out == 1 ? "" : "s"),
                         4, layout);
  return text;
}

std::string problems_text(const std::vector<const Record*>& records, const Layout& layout) {
  std::string text;
  for (const std::string& line : problems_of(records))
    text += wrapped_line("  ! " + line, 4, layout);
  return text;
}

std::string frameworks_text(const std::vector<const Record*>& records, const Layout& layout) {
  const analysis::Table table = analysis::compare_frameworks(records);
  return table.rows.empty() ? std::string() : "\n" + table_text(table, layout);
}

std::string verdicts_text(const std::vector<analysis::ModelGroup>& groups, const Layout& layout) {
  std::string text;
  for (const auto& group : groups)
    for (const auto& verdict : analysis::judge(group)) {
      text += wrapped_line(verdict.title, 2, layout);
      for (const auto& line : analysis::lines_of(verdict))
        text += wrapped_line(
            fmt::format("  {}{}{}", line.title, line.title.empty() ? "" : ": ", line.text), 4,
            layout);
    }
  return text;
}

std::string verdicts_markdown(const analysis::ModelGroup& group) {
  std::string text;
  const auto verdicts = analysis::judge(group);
  for (const auto& verdict : verdicts) {
    if (verdicts.size() > 1) text += verdict.title + "\n\n";
    for (const auto& line : analysis::lines_of(verdict))
      text += line.title.empty() ? fmt::format("- {}\n", line.text)
                                 : fmt::format("- **{}**: {}\n", line.title, line.text);
    text += "\n";
  }
  return text;
}

std::string host_text(const Run& run) {
  return fmt::format("{}, {} cores, {}", run.host["cpu"].as_string(),
                     run.host["physical_cores"].as_int(), run.host["os"].as_string());
}

std::vector<std::string> texts_of(const std::vector<Note>& notes) {
  std::vector<std::string> texts;
  for (const Note& note : notes) texts.push_back(note.text);
  return texts;
}

}  // namespace

std::string render_terminal(const Document& document, const Layout& layout) {
  std::string text;
  const auto groups = analysis::group_by_model(document.records);
  for (const auto& group : groups) {
    text += table_text(analysis::summarize(group.records), layout);
    text += wrapped_line(fmt::format("  ({})", describe_workload(group.records)), 3, layout);
    text += notes_text(group.records, layout);
    text += problems_text(group.records, layout);
    text += frameworks_text(group.records, layout);
    text += "\n";
  }
  return printable_lines(text + verdicts_text(groups, layout));
}

std::string render_markdown(const Document& document) {
  std::string text = fmt::format("## qbench: {} ({})\n\n{}\n\n", document.run.suite_name,
                                 document.run.started_at, host_text(document.run));
  for (const auto& group : analysis::group_by_model(document.records)) {
    text += table_markdown(analysis::summarize(group.records));
    text += fmt::format("\n{}\n\n", describe_workload(group.records));
    text += verdicts_markdown(group);
    text += bulleted(texts_of(notes_of(group.records)), "- ");
    text += bulleted(problems_of(group.records), "- **not ok** ");
    if (const auto frameworks = analysis::compare_frameworks(group.records);
        !frameworks.rows.empty())
      text += "\n" + table_markdown(frameworks);
    text += "\n";
  }
  return printable_lines(text);
}

}  // namespace qb::report
