#include "results/sections/shared_facts.h"

#include <algorithm>

namespace qb::sections {

void SharedFacts::add(const Record& record, NoteKind kind, std::string text) {
  auto same = std::ranges::find_if(
      facts_, [&](const Fact& fact) { return fact.kind == kind && fact.text == text; });
  if (same == facts_.end()) same = facts_.insert(facts_.end(), {kind, std::move(text), {}});
  if (same->records.empty() || same->records.back() != &record) same->records.push_back(&record);
}

std::vector<Note> SharedFacts::notes(const std::vector<const Record*>& all) const {
  std::vector<Note> notes;
  for (const NoteKind kind : {NoteKind::reservation, NoteKind::data, NoteKind::kernels})
    for (const Fact& fact : facts_)
      if (fact.kind == kind)
        notes.push_back(
            {kind, fmt::format("{}: {}", analysis::name_cases(fact.records, all), fact.text)});
  return notes;
}

}  // namespace qb::sections
