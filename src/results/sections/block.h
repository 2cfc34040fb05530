// What a section of a report is made of: blocks that every format renders in its own way.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "results/analysis/table.h"

namespace qb::sections {

enum class Level : uint8_t { model, section };

struct Heading {
  std::string text;
  Level level = Level::section;
};

struct Paragraph {
  std::string text;
  bool is_aside = false;  // what one may read over
};

struct ListItem {
  std::string label;  // may be empty
  std::string text;
};

struct List {
  // Stands above the items where more than one list stands below the model's heading; where the
  // section stands apart from that heading (Section::ends_terminal), always.
  std::string title;
  bool has_neighbours = false;
  std::vector<ListItem> items;
};

enum class NoteKind : uint8_t {
  reservation,  // limits what a figure says: never left out
  data,         // what cases were calibrated on or given
  kernels,      // what is really computed
};

struct Note {
  NoteKind kind;
  std::string text;  // the cases that share it, then what it says
};

struct Notes {
  std::vector<Note> notes;  // the least important last
  bool are_problems = false;
};

// Its title is rendered by no format: a heading says it.
using Table = analysis::Table;

// A picture: on the page only.
struct Figure {
  std::string svg;
};

// Texts that are shown when asked for: on the page only.
struct Folded {
  std::string summary;
  std::vector<ListItem> texts;  // preformatted
};

// A further kind is a row here and a function in each of report/{terminal,markdown,html}.cpp.
using Block = std::variant<Heading, Paragraph, List, Notes, Table, Figure, Folded>;
using Blocks = std::vector<Block>;

}  // namespace qb::sections
