// Finds added tokens whole in a text.
#pragma once

#include <string_view>
#include <vector>

#include "network/text/definition.h"
#include "network/text/prefixes.h"

namespace qb::text {

// An added token, or (id < 0) text between two.
struct Found {
  std::string_view text;
  int32_t id = -1;
};

class AddedTokens {
 public:
  AddedTokens() = default;
  explicit AddedTokens(std::vector<AddedToken> tokens);

  // The leftmost token, the longest of those that begin there, again and again, and what lies
  // between, in order.
  std::vector<Found> find(std::string_view text) const;

 private:
  std::vector<AddedToken> tokens_;
  PrefixTable prefixes_;  // to places in tokens_
};

}  // namespace qb::text
