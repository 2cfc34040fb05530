// What each figure depends on, to be unfolded.
#include "results/sections/sections.h"

namespace qb::sections {

Blocks build_manifests(const analysis::ModelGroup& group) {
  Folded folded = {.summary = "What each figure depends on: hashes, versions, kernels"};
  for (const Record* record : group.records)
    folded.texts.push_back({case_id(record->subject), dump_json(record->manifest, 2)});
  return {std::move(folded)};
}

}  // namespace qb::sections
