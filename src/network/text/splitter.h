// Cuts text by a regular expression, with PCRE2.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace qb::text {

class Splitter {
 public:
  // The pattern is Oniguruma's. Errors: those of to_pcre2, and what PCRE2 says of it.
  static Result<Splitter> compile(std::string_view pattern);
  Splitter(Splitter&&) noexcept;
  ~Splitter();

  // Appends the matches and the gaps between them, in order; together they are the whole piece.
  Result<void> split(std::string_view piece, std::vector<std::string_view>& out) const;

 private:
  struct State;
  explicit Splitter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace qb::text
