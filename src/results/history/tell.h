// A history in words, tables and JSON.
#pragma once

#include <vector>

#include "results/comparison/differences.h"
#include "results/history/history.h"
#include "results/sections/block.h"

namespace qb::history {

// The changes that begin with one run, after the run before it that has the same figures.
struct Turn {
  size_t before = 0;  // of History::runs
  size_t first = 0;
  struct Item {
    const Series* series = nullptr;
    const Change* change = nullptr;
  };
  std::vector<Item> items;
  std::vector<comparison::Difference> differences;  // between the two runs
};

// The newest first. `with_acknowledged`: those too. The history must outlive the turns; their
// differences are the caller's to fill in.
std::vector<Turn> turns_of(const History& history, bool with_acknowledged);

sections::Blocks blocks_of(const History& history, const std::vector<Turn>& turns);
Json to_json(const History& history, const std::vector<Turn>& turns);

}  // namespace qb::history
