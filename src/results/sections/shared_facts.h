// Facts that several cases may share: each is told once, naming them all.
#pragma once

#include <string>
#include <vector>

#include "measurement/record/record.h"
#include "results/sections/block.h"

namespace qb::sections {

// In the order they were first told.
class SharedFacts {
 public:
  void add(const Record& record, NoteKind kind, std::string text);
  // Reservations first, kernels last. The cases are named among `all`: those that can have such
  // facts.
  std::vector<Note> notes(const std::vector<const Record*>& all) const;

 private:
  struct Fact {
    NoteKind kind;
    std::string text;
    std::vector<const Record*> records;
  };
  std::vector<Fact> facts_;
};

}  // namespace qb::sections
