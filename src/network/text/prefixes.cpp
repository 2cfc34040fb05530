#include "network/text/prefixes.h"

#include <algorithm>

namespace qb::text {

PrefixTable::PrefixTable(std::vector<std::pair<std::string, int32_t>> entries)
    : entries_(std::move(entries)) {
  const auto by_text = [](const auto& a, const auto& b) { return a.first < b.first; };
  const auto is_same = [](const auto& a, const auto& b) { return a.first == b.first; };
  std::erase_if(entries_, [](const auto& entry) { return entry.first.empty(); });
  std::ranges::stable_sort(entries_, by_text);
  entries_.erase(std::unique(entries_.begin(), entries_.end(), is_same), entries_.end());
  for (const auto& entry : entries_) ++first_[static_cast<unsigned char>(entry.first[0]) + 1u];
  for (size_t byte = 0; byte < 256; ++byte) first_[byte + 1] += first_[byte];
}

void PrefixTable::narrow(unsigned char byte, size_t depth, size_t& low, size_t& high) const {
  if (depth == 0) {
    low = first_[byte];
    high = first_[byte + 1u];
    return;
  }
  // An entry that ends here has no byte: it comes before all that have one.
  const auto byte_of = [&](const auto& entry) {
    return depth < entry.first.size() ? static_cast<unsigned char>(entry.first[depth]) : -1;
  };
  const auto begin = entries_.begin() + static_cast<long>(low);
  const auto end = entries_.begin() + static_cast<long>(high);
  const auto range = std::ranges::equal_range(begin, end, static_cast<int>(byte), {}, byte_of);
  low = static_cast<size_t>(range.begin() - entries_.begin());
  high = static_cast<size_t>(range.end() - entries_.begin());
}

}  // namespace qb::text
