#include "results/sections/sections.h"

#include <algorithm>

namespace qb::sections {

std::vector<Section> sections_of_text() {
  std::vector<Section> ordered(std::begin(sections), std::end(sections));
  std::ranges::stable_sort(ordered, {}, &Section::place_in_text);
  return ordered;
}

}  // namespace qb::sections
