// What stands below a table.
#pragma once

#include <string>
#include <vector>

#include "measurement/record/record.h"

namespace qb::report {

enum class NoteKind {
  reservation,  // limits what a figure says: never left out
  data,         // what cases were calibrated on or given
  kernels,      // what is really computed
};

struct Note {
  NoteKind kind;
  std::string text;  // the cases that share it, then what it says
};

// What kernels really compute with, what was calibrated on which data, and every reservation (the
// cache, disturbances, answers that differ, quality on other items): each once, naming all cases
// that share it; reservations first, kernels last.
std::vector<Note> notes_of(const std::vector<const Record*>& records);

// Each outcome that is not ok with its reason, naming the cases that share it.
std::vector<std::string> problems_of(const std::vector<const Record*>& records);

// "batch 1, prompt of 8 tokens, 8 generated; quality on …": what the records of a table share.
std::string describe_workload(const std::vector<const Record*>& records);

}  // namespace qb::report
