// The model's cases side by side.
#include "results/sections/sections.h"

namespace qb::sections {

Blocks build_cases(const analysis::ModelGroup& group) {
  return {analysis::summarize(group.records)};
}

}  // namespace qb::sections
