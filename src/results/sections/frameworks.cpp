// The same bits in each framework, where several ran them.
#include "results/analysis/frameworks.h"

#include "results/sections/sections.h"

namespace qb::sections {

Blocks build_frameworks(const analysis::ModelGroup& group) {
  analysis::Table table = analysis::compare_frameworks(group.records);
  if (table.rows.empty()) return {};
  Heading heading{.text = table.title};
  return {std::move(heading), std::move(table)};
}

}  // namespace qb::sections
