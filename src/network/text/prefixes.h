// Which of many texts begin here: a sorted table, narrowed byte by byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qb::text {

class PrefixTable {
 public:
  PrefixTable() = default;
  // Of equal texts the first counts; empty ones are left out.
  explicit PrefixTable(std::vector<std::pair<std::string, int32_t>> entries);

  bool empty() const { return entries_.empty(); }

  // Calls visit(length, value) for each entry that `text` begins with, the shortest first.
  template <typename Visit>
  void visit_prefixes(std::string_view text, Visit visit) const {
    size_t low = 0;
    size_t high = entries_.size();
    for (size_t depth = 0; depth < text.size() && low < high; ++depth) {
      narrow(static_cast<unsigned char>(text[depth]), depth, low, high);
      if (low < high && entries_[low].first.size() == depth + 1)
        visit(depth + 1, entries_[low].second);
    }
  }

 private:
  // To the entries of [low, high) that have this byte at that depth.
  void narrow(unsigned char byte, size_t depth, size_t& low, size_t& high) const;

  std::vector<std::pair<std::string, int32_t>> entries_;
  std::vector<size_t> first_ = std::vector<size_t>(257, 0);  // where those with a first byte begin
};

}  // namespace qb::text
