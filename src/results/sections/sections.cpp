#include "results/sections/sections.h"

#include <algorithm>
#include <utility>

namespace qb::sections {

std::vector<const Section*> sections_of_text() {
  std::vector<const Section*> ordered;
  for (const Section& section : sections) ordered.push_back(&section);
  std::ranges::sort(ordered, {}, [](const Section* section) {
    return std::pair(section->place_in_text, section);  // alike ones as in the table
  });
  return ordered;
}

}  // namespace qb::sections
