// The verdict of each workload of the model, in words.
#include "results/analysis/verdict.h"

#include "results/sections/sections.h"

namespace qb::sections {

Blocks build_verdict(const analysis::ModelGroup& group) {
  Blocks blocks;
  const auto verdicts = analysis::judge(group);
  for (const auto& verdict : verdicts) {
    List list = {.title = verdict.title, .has_neighbours = verdicts.size() > 1};
    for (auto& line : analysis::lines_of(verdict))
      list.items.push_back({std::move(line.title), std::move(line.text)});
    blocks.emplace_back(std::move(list));
  }
  return blocks;
}

}  // namespace qb::sections
