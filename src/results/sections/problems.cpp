// Each outcome that is not ok with its reason.
#include "results/sections/sections.h"
#include "results/sections/shared_facts.h"

namespace qb::sections {

Blocks build_problems(const analysis::ModelGroup& group) {
  SharedFacts facts;
  for (const Record* record : group.records)
    if (!analysis::is_ok(*record))
      facts.add(*record, NoteKind::reservation,
                fmt::format("{}: {}", name_of(record->outcome), record->reason));
    else if (const std::string failure = quality_failure(*record); !failure.empty())
      facts.add(*record, NoteKind::reservation, fmt::format("quality {}", failure));
  return {Notes{.notes = facts.notes(group.records), .are_problems = true}};
}

}  // namespace qb::sections
