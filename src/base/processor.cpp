#include "base/processor.h"

#include <fmt/ranges.h>

#include <vector>

namespace qb {

Result<void> check_processor(std::span<const std::string_view> needed,
                             const std::set<std::string, std::less<>>& known) {
  std::vector<std::string_view> lacking;
  for (const std::string_view name : needed)
    if (!known.empty() && !known.contains(name)) lacking.push_back(name);
  if (lacking.empty()) return {};
  return fail(Errc::unavailable,
              "this program was built for another processor, this one has no {}; build it here: "
              "./qb setup",
              fmt::join(lacking, ", "));
}

}  // namespace qb
