#include "cli/nearest.h"

#include <algorithm>
#include <numeric>

namespace qb::cli {
namespace {

size_t distance_between(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);  // of the first i characters of a to each prefix of b
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string nearest_of(std::string_view given, const std::vector<std::string>& words) {
  return *std::ranges::min_element(
      words, {}, [&](const std::string& word) { return distance_between(given, word); });
}

}  // namespace qb::cli
