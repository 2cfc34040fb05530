// A run as text that fits a terminal.
#include "base/printable.h"
#include "results/report/report.h"
#include "results/report/text_table.h"
#include "results/sections/sections.h"

namespace qb::report {
namespace {

constexpr size_t note_count_max = 3;  // of those that are no reservations

// All reservations, and as many of the rest as a terminal has room for.
std::string notes_text(const sections::Notes& notes, const Layout& layout) {
  std::string text;
  size_t shown = 0;
  size_t left_out = 0;
  for (const sections::Note& note : notes.notes) {
    const bool may_go = note.kind != sections::NoteKind::reservation && !layout.is_wide;
    if (may_go && shown == note_count_max) {
      ++left_out;
      continue;
    }
    shown += may_go ? 1 : 0;
    text += wrapped_line((notes.are_problems ? "  ! " : "  ") + note.text, 4, layout);
  }
  if (left_out > 0)
    text += wrapped_line(fmt::format("  {} more note{} on kernels and data: --wide, or the page",
                                     left_out, left_out == 1 ? "" : "s"),
                         4, layout);
  return text;
}

struct ToText {
  const Layout& layout;
  bool is_apart = false;  // from the model's heading

  std::string operator()(const sections::Heading& heading) const {
    const std::string_view gap = heading.level == sections::Level::model ? "" : "\n";
    return std::string(gap) + wrapped_line(heading.text, 0, layout);
  }
  std::string operator()(const sections::Paragraph& paragraph) const {
    if (paragraph.is_aside) return wrapped_line(fmt::format("  ({})", paragraph.text), 3, layout);
    return wrapped_line("  " + paragraph.text, 4, layout);
  }
  std::string operator()(const sections::List& list) const {
    std::string text;
    if (is_apart || list.has_neighbours) text += wrapped_line(list.title, 2, layout);
    for (const auto& item : list.items)
      text += wrapped_line(
          fmt::format("  {}{}{}", item.label, item.label.empty() ? "" : ": ", item.text), 4,
          layout);
    return text;
  }
  std::string operator()(const sections::Notes& notes) const { return notes_text(notes, layout); }
  std::string operator()(const analysis::Table& table) const { return table_text(table, layout); }
  std::string operator()(const sections::Figure&) const { return {}; }
  std::string operator()(const sections::Folded&) const { return {}; }
};

// The sections that stand below their model, or those that stand below all models.
std::string group_text(const analysis::ModelGroup& group, const Layout& layout, bool at_end) {
  std::string text;
  for (const sections::Section* section : sections::sections_of_text())
    if (section->ends_terminal == at_end)
      for (const sections::Block& block : section->build(group))
        text += std::visit(ToText{layout, at_end}, block);
  return text;
}

}  // namespace

std::string text_of(const sections::Blocks& blocks, const Layout& layout) {
  std::string text;
  for (const sections::Block& block : blocks) text += std::visit(ToText{layout, true}, block);
  return printable_lines(text);
}

std::string render_terminal(const Document& document, const Layout& layout) {
  std::string text;
  const auto groups = analysis::group_by_model(document.records);
  for (const auto& group : groups) text += group_text(group, layout, false) + "\n";
  for (const auto& group : groups) text += group_text(group, layout, true);
  return printable_lines(text);
}

}  // namespace qb::report
