#include "network/text/prefixes.h"

#include <algorithm>
#include <map>

namespace qb::text {

PrefixTable::PrefixTable(std::vector<std::pair<std::string, int32_t>> entries) {
  std::map<std::string, int32_t> by_text;  // the first of several entries of one text
  for (auto& [text, id] : entries)
    if (!text.empty()) by_text.try_emplace(std::move(text), id);
  entries_.assign(by_text.begin(), by_text.end());
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
