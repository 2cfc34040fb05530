// The model, and what all its cases share.
#include "results/sections/sections.h"

namespace qb::sections {

Blocks build_title(const analysis::ModelGroup& group) {
  return {Heading{.text = analysis::summarize(group.records).title, .level = Level::model}};
}

}  // namespace qb::sections
